/* Processes and jobs: start, end, kill. */
#include "hand_made.h"

#include <helper.h>
#include <objects.h>
#include <test.h>

#include <jacinth/launch.h>
#include <magenta/syscalls.h>
#include <threads.h>
#include <zircon/process.h>

#define PATIENCE ZX_SEC(30)

/* --- how it ends ------------------------------------------------------------------------------ */

/* Ends with the number that it receives. */
HELPER(exits_with) {
    int64_t code = 0;
    channel_receive(channel, &code, sizeof(code), NULL, NULL, 0, NULL);
    zx_process_exit(code);
}

TEST(zx_process_exit, the_return_code_arrives_whole) {
    static const int64_t codes[] = {0, 1, -1, 255, 256, INT32_MIN, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < countof(codes); i++) {
        struct helper helper;
        CHECK(helper_start(&helper, "exits_with"));
        EXPECT(!process_has_ended(helper.process));
        EXPECT_EQUAL(object_signals(helper.process), 0);
        EXPECT_OK(zx_channel_write(helper.channel, 0, &codes[i], sizeof(codes[i]), NULL, 0));
        EXPECT(wait_for(helper.process, ZX_PROCESS_TERMINATED, PATIENCE));
        EXPECT(process_has_ended(helper.process));
        CHECK(helper_finish(&helper, codes[i]));
    }
}

static int sleep_for_ever(void* unused) {
    (void)unused;
    return zx_nanosleep(ZX_TIME_INFINITE);
}

/* main returns while other threads sleep. */
HELPER(exits_with_threads) {
    thrd_t threads[8];
    (void)channel;
    for (size_t i = 0; i < countof(threads); i++)
        thrd_create(&threads[i], sleep_for_ever, NULL);
    return 5;
}

TEST(zx_process_exit, ends_every_thread) {
    struct helper helper;
    CHECK(helper_start(&helper, "exits_with_threads"));
    CHECK(helper_finish(&helper, 5));
}

static int exit_the_process(void* unused) {
    (void)unused;
    zx_process_exit(6);
}

HELPER(exits_from_a_thread) {
    thrd_t thread;
    (void)channel;
    thrd_create(&thread, exit_the_process, NULL);
    return sleep_for_ever(NULL);
}

TEST(zx_process_exit, works_from_any_thread) {
    struct helper helper;
    CHECK(helper_start(&helper, "exits_from_a_thread"));
    CHECK(helper_finish(&helper, 6));
}

static int sleep_a_little(void* unused) {
    (void)unused;
    sleep_for(ZX_MSEC(5));
    return 0;
}

HELPER(leaves_main_first) {
    thrd_t thread;
    (void)channel;
    thrd_create(&thread, sleep_a_little, NULL);
    thrd_exit(9);
}

TEST(zx_thread_exit, of_the_last_thread_ends_the_process_with_0) {
    struct helper helper;
    CHECK(helper_start(&helper, "leaves_main_first"));
    CHECK(helper_finish(&helper, 0));
}

/* --- killing ---------------------------------------------------------------------------------- */

HELPER(sleeps) {
    (void)channel;
    return sleep_for_ever(NULL);
}

HELPER(spins) {
    (void)channel;
    for (;;)
        __asm__ volatile("pause");
    return 0;
}

static void kill_row(const char* role) {
    struct helper helper;
    CHECK(helper_start(&helper, role));
    sleep_for(ZX_MSEC(5));
    EXPECT(!process_has_ended(helper.process));
    EXPECT_OK(zx_task_kill(helper.process));
    EXPECT(wait_for(helper.process, ZX_PROCESS_TERMINATED, PATIENCE));
    EXPECT(process_has_ended(helper.process));
    EXPECT_EQUAL(process_return_code(helper.process), ZX_ERR_CANCELED);
    EXPECT(object_signals(helper.channel) & ZX_CHANNEL_PEER_CLOSED);
    EXPECT_OK(zx_task_kill(helper.process)); /* a second time changes nothing */
    helper_close(&helper);
}

TEST(zx_task_kill, of_a_process_that_sleeps) {
    CHECK(kill_row("sleeps"));
}

TEST(zx_task_kill, of_a_process_that_spins) {
    CHECK(kill_row("spins"));
}

TEST(zx_task_kill, of_a_process_with_threads) {
    CHECK(kill_row("leaves_main_first_and_stays"));
}

HELPER(leaves_main_first_and_stays) {
    thrd_t threads[4];
    (void)channel;
    for (size_t i = 0; i < countof(threads); i++)
        thrd_create(&threads[i], sleep_for_ever, NULL);
    thrd_exit(0);
}

TEST(zx_task_kill, of_a_process_that_never_started) {
    zx_handle_t process, vmar;
    EXPECT_OK(zx_process_create(zx_job_default(), "idle", 4, 0, &process, &vmar));
    EXPECT_OK(zx_task_kill(process));
    EXPECT(wait_for(process, ZX_PROCESS_TERMINATED, PATIENCE));
    EXPECT_EQUAL(process_return_code(process), ZX_ERR_CANCELED);
    EXPECT_OK(zx_handle_close(process));
    EXPECT_OK(zx_handle_close(vmar));
}

/* --- create and start ------------------------------------------------------------------------- */

/* Nothing is stored. */
static void expect_no_process(zx_handle_t job, const char* name, uint32_t options,
                              zx_status_t expected) {
    zx_handle_t process = 5, vmar = 6;
    EXPECT_STATUS(zx_process_create(job, name, 1, options, &process, &vmar), expected);
    EXPECT_EQUAL(process, 5);
    EXPECT_EQUAL(vmar, 6);
}

TEST(zx_process_create, options_are_invalid_args_before_the_handle) {
    CHECK(expect_no_process(zx_job_default(), "x", 1, ZX_ERR_INVALID_ARGS));
    CHECK(expect_no_process(stale_handle(), BAD_POINTER, 0x80000000, ZX_ERR_INVALID_ARGS));
}

TEST(zx_process_create, invalid_handle_is_bad_handle) {
    CHECK(expect_no_process(0, "x", 0, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_process(stale_handle(), "x", 0, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_process(stale_handle(), BAD_POINTER, 0, ZX_ERR_BAD_HANDLE));
}

TEST(zx_process_create, other_object_is_wrong_type) {
    CHECK(expect_no_process(zx_process_self(), "x", 0, ZX_ERR_WRONG_TYPE));
}

TEST(zx_process_create, missing_manage_process_right_is_access_denied) {
    zx_handle_t poor = duplicate_without(zx_job_default(), ZX_RIGHT_MANAGE_PROCESS);
    CHECK(expect_no_process(poor, "x", 0, ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(poor));
}

TEST(zx_process_create, bad_name_pointer_is_invalid_args_and_leaves_no_process) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    zx_handle_t job;
    EXPECT_OK(zx_job_create(zx_job_default(), 0, &job));
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        CHECK(expect_no_process(job, bad[i], 0, ZX_ERR_INVALID_ARGS));
    EXPECT_EQUAL(object_signals(job), ZX_JOB_NO_PROCESSES | ZX_JOB_NO_JOBS);
    EXPECT_OK(zx_handle_close(job));
}

/* --- jobs ----------------------------------------------------------------------------------- */

/* Nothing is stored. */
static void expect_no_job(zx_handle_t parent, uint32_t options, zx_status_t expected) {
    zx_handle_t job = 5;
    EXPECT_STATUS(zx_job_create(parent, options, &job), expected);
    EXPECT_EQUAL(job, 5);
}

TEST(zx_job_create, options_are_invalid_args_before_the_handle) {
    CHECK(expect_no_job(zx_job_default(), 1, ZX_ERR_INVALID_ARGS));
    CHECK(expect_no_job(stale_handle(), 0x80000000, ZX_ERR_INVALID_ARGS));
}

TEST(zx_job_create, invalid_handle_is_bad_handle) {
    CHECK(expect_no_job(0, 0, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_job(stale_handle(), 0, ZX_ERR_BAD_HANDLE));
}

TEST(zx_job_create, other_object_is_wrong_type) {
    CHECK(expect_no_job(zx_process_self(), 0, ZX_ERR_WRONG_TYPE));
}

TEST(zx_job_create, missing_manage_job_right_is_access_denied) {
    zx_handle_t poor = duplicate_without(zx_job_default(), ZX_RIGHT_MANAGE_JOB);
    CHECK(expect_no_job(poor, 0, ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(poor));
}

TEST(zx_job_create, depth_is_bounded) {
    zx_handle_t jobs[64];
    zx_status_t status = ZX_OK;
    zx_handle_t parent = zx_job_default();
    size_t depth = 0;
    while (depth < countof(jobs) && (status = zx_job_create(parent, 0, &jobs[depth])) == ZX_OK)
        parent = jobs[depth++];
    EXPECT_OK(zx_handle_close_many(jobs, depth));
    EXPECT_STATUS(status, ZX_ERR_OUT_OF_RANGE);
    EXPECT(depth >= 8);
}

TEST(zx_job_create, shows_whether_it_has_processes_and_jobs) {
    zx_handle_t outer, inner[2], process, vmar;
    zx_signals_t both = ZX_JOB_NO_PROCESSES | ZX_JOB_NO_JOBS;
    EXPECT_OK(zx_job_create(zx_job_default(), 0, &outer));
    EXPECT_EQUAL(object_signals(outer), both);
    EXPECT_OK(zx_job_create(outer, 0, &inner[0]));
    EXPECT_OK(mx_job_create(outer, 0, &inner[1]));
    EXPECT_EQUAL(object_signals(outer), ZX_JOB_NO_PROCESSES);
    EXPECT_EQUAL(object_signals(inner[0]), both);
    EXPECT_OK(zx_process_create(inner[0], "a", 1, 0, &process, &vmar));
    EXPECT_EQUAL(object_signals(outer), ZX_JOB_NO_PROCESSES);
    EXPECT_EQUAL(object_signals(inner[0]), ZX_JOB_NO_JOBS);
    EXPECT_OK(zx_handle_close(inner[0])); /* the process keeps it */
    EXPECT_OK(zx_handle_close(inner[1]));
    EXPECT_EQUAL(object_signals(outer), ZX_JOB_NO_PROCESSES);
    EXPECT_OK(zx_task_kill(process));
    EXPECT_OK(zx_handle_close(vmar));
    EXPECT_OK(zx_handle_close(process));
    EXPECT(wait_for(outer, ZX_JOB_NO_JOBS, PATIENCE));
    EXPECT_EQUAL(object_signals(outer), both);
    EXPECT_EQUAL(MX_JOB_NO_JOBS, ZX_JOB_NO_JOBS);
    EXPECT_EQUAL(MX_JOB_NO_PROCESSES, ZX_JOB_NO_PROCESSES);
    EXPECT_OK(zx_handle_close(outer));
}

TEST(zx_task_kill, of_a_job_ends_all_below_it_and_nothing_can_be_made_there) {
    zx_handle_t outer, inner, processes[2], vmars[2], more = 5;
    EXPECT_OK(zx_job_create(zx_job_default(), 0, &outer));
    EXPECT_OK(zx_job_create(outer, 0, &inner));
    EXPECT_EQUAL(object_signals(outer) & ZX_JOB_NO_PROCESSES, ZX_JOB_NO_PROCESSES);
    EXPECT_OK(zx_process_create(outer, "a", 1, 0, &processes[0], &vmars[0]));
    EXPECT_OK(zx_process_create(inner, "b", 1, 0, &processes[1], &vmars[1]));
    EXPECT_EQUAL(object_signals(outer) & ZX_JOB_NO_PROCESSES, 0);
    EXPECT_OK(zx_task_kill(outer));
    for (int i = 0; i < 2; i++)
        EXPECT(wait_for(processes[i], ZX_PROCESS_TERMINATED, PATIENCE));
    EXPECT(wait_for(outer, ZX_JOB_NO_PROCESSES, PATIENCE));
    EXPECT_STATUS(zx_job_create(outer, 0, &more), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_process_create(inner, "c", 1, 0, &more, &vmars[0]), ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(more, 5);
    const zx_handle_t handles[] = {outer, inner, processes[0], processes[1], vmars[0], vmars[1]};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

/* --- the launcher --------------------------------------------------------------------------- */

TEST(launch, of_a_missing_program_is_not_found_and_consumes_the_handles) {
    zx_handle_t ends[2], process = 5;
    EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
    struct launch_handle handles[] = {{BOOTSTRAP_INFO(BOOTSTRAP_USER, 9), ends[0]}};
    struct launch_request request = {
        .path = "bin/there-is-none", .handles = handles, .handle_count = 1};
    EXPECT_STATUS(launch(&request, &process), ZX_ERR_NOT_FOUND);
    EXPECT_EQUAL(process, 5);
    EXPECT(!handle_is_valid(ends[0]));
    EXPECT_EQUAL(object_signals(ends[1]), ZX_CHANNEL_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(ends[1]));
}

TEST(launch, of_a_thousand_processes_leaks_nothing) {
    zx_info_kernel_memory_t before = {0};
    struct launch_request request = {.path = "bin/hello"};
    for (int i = 0; i < 1000; i++) {
        zx_handle_t process;
        struct hand_made made;
        zx_handle_t event;
        if (i == 20) /* caches are warm */
            before = kernel_memory();
        if (i % 100 == 0) { /* a real one is dearer */
            EXPECT_OK(launch(&request, &process));
            EXPECT(wait_for(process, ZX_PROCESS_TERMINATED, PATIENCE));
            EXPECT_OK(zx_handle_close(process));
        }
        CHECK(hand_made_create(&made));
        EXPECT_OK(zx_event_create(0, &event));
        EXPECT_OK(zx_process_start(made.process, made.thread, made.code, made.stack, event, 0));
        EXPECT(wait_for(made.process, ZX_PROCESS_TERMINATED, PATIENCE));
        hand_made_destroy(&made);
    }
    CHECK(expect_no_leak(&before, 32));
}
