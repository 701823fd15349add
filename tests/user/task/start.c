/* process_start and thread_start, in both spellings: what is checked in which order, and what
 * becomes of the argument's handle. */
#include "hand_made.h"
#include "raw_thread.h"

#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <stdatomic.h>
#include <zircon/process.h>

#define PATIENCE ZX_SEC(30)
#define USER_END 0x00007ffffffff000ul

/* One generation's spelling. */
struct generation {
    zx_status_t (*start)(zx_handle_t process, zx_handle_t thread, zx_vaddr_t entry,
                         zx_vaddr_t stack, zx_handle_t argument_handle, uintptr_t argument);
    bool discards; /* what a failure does with the argument's handle */
    zx_status_t (*start_thread)(zx_handle_t thread, zx_vaddr_t entry, zx_vaddr_t stack,
                                uintptr_t argument1, uintptr_t argument2);
};
static const struct generation zx = {zx_process_start, true, zx_thread_start};
static const struct generation mx = {mx_process_start, false, mx_thread_start};

static const zx_vaddr_t not_user[] = {USER_END, 0x0000800000000000, 0xffffffff80000000,
                                      0x8000000000000000, UINT64_MAX};

/* --- success ---------------------------------------------------------------------------------- */

TEST_BOTH(process_start, hands_over_the_handle_and_the_argument) {
    struct hand_made made;
    zx_handle_t near, far;
    CHECK(hand_made_create(&made));
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_OK(generation->start(made.process, made.thread, made.code, made.stack, far, 1000000));
    EXPECT(!handle_is_valid(far));
    EXPECT(wait_for(made.process, ZX_PROCESS_TERMINATED, PATIENCE));
    /* The handle's value in the new process is a positive one. */
    EXPECT(process_return_code(made.process) > 1000000);
    EXPECT(object_signals(near) & ZX_CHANNEL_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(near));
    hand_made_destroy(&made);
}

/* The thread then faults, and the process with it. */
TEST_BOTH(process_start, entry_or_stack_0_is_no_error) {
    static const struct {
        bool has_entry, has_stack;
    } cases[] = {{false, true}, {true, false}, {false, false}};
    for (size_t i = 0; i < countof(cases); i++) {
        struct hand_made made;
        zx_handle_t near, far;
        CHECK(hand_made_create(&made));
        EXPECT_OK(zx_channel_create(0, &near, &far));
        EXPECT_OK(generation->start(made.process, made.thread, cases[i].has_entry ? made.code : 0,
                                    cases[i].has_stack ? made.stack : 0, far, 1000000));
        EXPECT(!handle_is_valid(far));
        EXPECT(wait_for(made.process, ZX_PROCESS_TERMINATED, PATIENCE));
        /* The code needs no stack. */
        EXPECT_EQUAL(process_return_code(made.process) > 1000000, cases[i].has_entry);
        EXPECT_EQUAL(process_return_code(made.process) < 0, !cases[i].has_entry);
        EXPECT_OK(zx_handle_close(near));
        hand_made_destroy(&made);
    }
}

/* --- failure ---------------------------------------------------------------------------------- */

/* Starts with an argument that it gives, and looks what became of that. */
static void fail(const struct generation* generation, zx_handle_t process, zx_handle_t thread,
                 zx_vaddr_t entry, zx_vaddr_t stack, zx_status_t expected) {
    zx_handle_t near, far;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_STATUS(generation->start(process, thread, entry, stack, far, 0), expected);
    EXPECT_EQUAL(handle_is_valid(far), !generation->discards);
    EXPECT_EQUAL(object_signals(near),
                 generation->discards ? ZX_CHANNEL_PEER_CLOSED : ZX_CHANNEL_WRITABLE);
    if (!generation->discards)
        EXPECT_OK(zx_handle_close(far));
    EXPECT_OK(zx_handle_close(near));
}

/* The handles fail so, with a good entry and with a bad one. */
static void fail_for_handles(const struct generation* generation, const struct hand_made* made,
                             zx_handle_t process, zx_handle_t thread, zx_status_t expected) {
    CHECK(fail(generation, process, thread, made->code, made->stack, expected));
    for (size_t i = 0; i < countof(not_user); i++)
        CHECK(fail(generation, process, thread, not_user[i], 0, expected));
    EXPECT_EQUAL(thread_state(made->thread), ZX_THREAD_STATE_NEW);
}

TEST_BOTH(process_start, invalid_process_is_bad_handle) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    CHECK(fail_for_handles(generation, &made, 0, made.thread, ZX_ERR_BAD_HANDLE));
    CHECK(fail_for_handles(generation, &made, stale_handle(), made.thread, ZX_ERR_BAD_HANDLE));
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, other_object_as_process_is_wrong_type) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    CHECK(fail_for_handles(generation, &made, made.thread, made.thread, ZX_ERR_WRONG_TYPE));
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, missing_write_right_of_the_process_is_access_denied_before_the_thread) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    zx_handle_t poor = duplicate_without(made.process, ZX_RIGHT_WRITE);
    CHECK(fail_for_handles(generation, &made, poor, made.thread, ZX_ERR_ACCESS_DENIED));
    CHECK(fail_for_handles(generation, &made, poor, stale_handle(), ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(poor));
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, invalid_thread_is_bad_handle) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    CHECK(fail_for_handles(generation, &made, made.process, 0, ZX_ERR_BAD_HANDLE));
    CHECK(fail_for_handles(generation, &made, made.process, stale_handle(), ZX_ERR_BAD_HANDLE));
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, other_object_as_thread_is_wrong_type) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    CHECK(fail_for_handles(generation, &made, made.process, made.process, ZX_ERR_WRONG_TYPE));
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, missing_write_right_of_the_thread_is_access_denied) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    zx_handle_t poor = duplicate_without(made.thread, ZX_RIGHT_WRITE);
    CHECK(fail_for_handles(generation, &made, made.process, poor, ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(poor));
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, a_thread_of_another_process_is_access_denied) {
    static struct raw_thread foreign;
    struct hand_made made;
    CHECK(hand_made_create(&made));
    EXPECT_OK(raw_thread_create(&foreign));
    CHECK(fail_for_handles(generation, &made, made.process, foreign.handle, ZX_ERR_ACCESS_DENIED));
    EXPECT_EQUAL(thread_state(foreign.handle), ZX_THREAD_STATE_NEW);
    EXPECT_OK(zx_handle_close(foreign.handle));
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, invalid_argument_is_bad_handle_before_the_entry) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, stale_handle()};
    struct hand_made made;
    CHECK(hand_made_create(&made));
    for (size_t i = 0; i < countof(bad); i++) {
        EXPECT_STATUS(generation->start(made.process, made.thread, not_user[0], 0, bad[i], 0),
                      ZX_ERR_BAD_HANDLE);
        EXPECT_STATUS(
            generation->start(made.process, made.thread, made.code, made.stack, bad[i], 0),
            ZX_ERR_BAD_HANDLE);
    }
    EXPECT_EQUAL(thread_state(made.thread), ZX_THREAD_STATE_NEW);
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, argument_without_transfer_right_is_access_denied_before_the_entry) {
    struct hand_made made;
    zx_handle_t event;
    CHECK(hand_made_create(&made));
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t fixed = duplicate_without(event, ZX_RIGHT_TRANSFER);
    EXPECT_STATUS(generation->start(made.process, made.thread, not_user[0], 0, fixed, 0),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(handle_is_valid(fixed), !generation->discards);
    EXPECT_EQUAL(object_handle_count(event), generation->discards ? 1 : 2);
    EXPECT_EQUAL(thread_state(made.thread), ZX_THREAD_STATE_NEW);
    zx_handle_close(fixed);
    EXPECT_OK(zx_handle_close(event));
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, entry_or_stack_outside_user_space_is_invalid_args) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    for (size_t i = 0; i < countof(not_user); i++) {
        CHECK(fail(generation, made.process, made.thread, not_user[i], made.stack,
                   ZX_ERR_INVALID_ARGS));
        CHECK(fail(generation, made.process, made.thread, made.code, not_user[i],
                   ZX_ERR_INVALID_ARGS));
    }
    EXPECT_EQUAL(thread_state(made.thread), ZX_THREAD_STATE_NEW);
    hand_made_destroy(&made);
}

/* Starts the process with its own code, which ends it. */
static void start(const struct generation* generation, const struct hand_made* made) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(generation->start(made->process, made->thread, made->code, made->stack, event, 0));
}

TEST_BOTH(process_start, after_a_failure_the_process_can_still_be_started) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    CHECK(fail(generation, made.process, made.thread, not_user[0], 0, ZX_ERR_INVALID_ARGS));
    CHECK(start(generation, &made));
    EXPECT(wait_for(made.process, ZX_PROCESS_TERMINATED, PATIENCE));
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, a_second_time_is_bad_state_before_the_entry) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    CHECK(start(generation, &made));
    CHECK(fail(generation, made.process, made.thread, made.code, made.stack, ZX_ERR_BAD_STATE));
    CHECK(fail(generation, made.process, made.thread, not_user[0], 0, ZX_ERR_BAD_STATE));
    EXPECT(wait_for(made.process, ZX_PROCESS_TERMINATED, PATIENCE));
    hand_made_destroy(&made);
}

TEST_BOTH(process_start, of_an_ended_process_is_bad_state_before_the_entry) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    EXPECT_OK(zx_task_kill(made.process));
    EXPECT(wait_for(made.process, ZX_PROCESS_TERMINATED, PATIENCE));
    CHECK(fail(generation, made.process, made.thread, made.code, made.stack, ZX_ERR_BAD_STATE));
    CHECK(fail(generation, made.process, made.thread, not_user[0], 0, ZX_ERR_BAD_STATE));
    hand_made_destroy(&made);
}

/* --- races ------------------------------------------------------------------------------------ */

#define RACES 100

static struct raw_thread killer;
static _Atomic zx_handle_t to_kill;

RAW_THREAD kill_when_told(uintptr_t unused1, uintptr_t unused2) {
    (void)unused1, (void)unused2;
    for (;;) {
        zx_handle_t handle = atomic_load(&to_kill);
        if (handle) {
            zx_task_kill(handle);
            atomic_store(&to_kill, 0);
        }
        zx_thread_yield();
    }
}

static void race_with_kill(void) {
    struct hand_made made;
    zx_handle_t near, far;
    CHECK(hand_made_create(&made));
    EXPECT_OK(zx_channel_create(0, &near, &far));
    atomic_store(&to_kill, made.thread);
    zx_status_t status = zx_process_start(made.process, made.thread, made.code, made.stack, far, 0);
    while (atomic_load(&to_kill))
        zx_thread_yield();
    if (status == ZX_OK)
        EXPECT(wait_for(made.process, ZX_PROCESS_TERMINATED, PATIENCE));
    else
        EXPECT_STATUS(status, ZX_ERR_BAD_STATE);
    EXPECT(wait_for(made.thread, ZX_THREAD_TERMINATED, PATIENCE));
    EXPECT(object_signals(near) & ZX_CHANNEL_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(near));
    hand_made_destroy(&made);
}

/* Either it does not start, or it starts and ends: it never runs without a thread. */
TEST(zx_process_start, as_another_kills_the_first_thread) {
    EXPECT_OK(raw_thread_create(&killer));
    EXPECT_OK(raw_thread_start(&killer, kill_when_told, 0, 0));
    for (int i = 0; i < RACES; i++)
        CHECK(race_with_kill());
    EXPECT_OK(zx_task_kill(killer.handle));
    EXPECT(wait_for(killer.handle, ZX_THREAD_TERMINATED, PATIENCE));
    EXPECT_OK(zx_handle_close(killer.handle));
}

/* --- thread_start ----------------------------------------------------------------------------- */

TEST_BOTH(thread_start, before_the_process_was_started_is_bad_state_whatever_the_entry) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    const zx_vaddr_t entries[] = {made.code, 0, 1, not_user[0], not_user[2], UINT64_MAX};
    for (size_t i = 0; i < countof(entries); i++) {
        EXPECT_STATUS(generation->start_thread(made.thread, entries[i], made.stack, 0, 0),
                      ZX_ERR_BAD_STATE);
        EXPECT_STATUS(generation->start_thread(made.thread, made.code, entries[i], 0, 0),
                      ZX_ERR_BAD_STATE);
    }
    CHECK(start(generation, &made)); /* the thread is still good for that */
    EXPECT(wait_for(made.process, ZX_PROCESS_TERMINATED, PATIENCE));
    hand_made_destroy(&made);
}

TEST_BOTH(thread_start, after_the_process_has_ended_is_bad_state_whatever_the_entry) {
    struct hand_made made;
    CHECK(hand_made_create(&made));
    CHECK(start(generation, &made));
    EXPECT(wait_for(made.process, ZX_PROCESS_TERMINATED, PATIENCE));
    EXPECT_STATUS(generation->start_thread(made.thread, made.code, made.stack, 0, 0),
                  ZX_ERR_BAD_STATE);
    EXPECT_STATUS(generation->start_thread(made.thread, 0, 0, 0, 0), ZX_ERR_BAD_STATE);
    hand_made_destroy(&made);
}

/* Sleeps for ever, so that the process lives until another thread ends it. */
static void hand_made_sleep(struct hand_made* made) {
    static const unsigned char code[] = {
        0xb8, 96,   0x00, 0x00, 0x00,                               /* mov eax, nanosleep */
        0x48, 0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, /* mov rdi, INT64_MAX */
        0x0f, 0x05,                                                 /* syscall */
    };
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(PAGE_SIZE_BYTES, 0, &vmo));
    EXPECT_OK(zx_vmo_write(vmo, code, 0, sizeof(code)));
    EXPECT_OK(zx_vmar_map(made->vmar, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, vmo, 0,
                          PAGE_SIZE_BYTES, &made->code));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST_BOTH(thread_start, entry_0_is_no_error_and_faults) {
    struct hand_made made;
    zx_handle_t event, thread;
    CHECK(hand_made_create(&made));
    CHECK(hand_made_sleep(&made));
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_process_start(made.process, made.thread, made.code, made.stack, event, 0));
    EXPECT_OK(zx_thread_create(made.process, "second", 6, 0, &thread));
    EXPECT(!process_has_ended(made.process));
    EXPECT_OK(generation->start_thread(thread, 0, 0, 0, 0));
    EXPECT(wait_for(made.process, ZX_PROCESS_TERMINATED, PATIENCE));
    EXPECT(process_return_code(made.process) < 0);
    EXPECT_OK(zx_handle_close(thread));
    hand_made_destroy(&made);
}
