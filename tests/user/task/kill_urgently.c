/* Kills of threads that would not be scheduled for a long time: below a spinner. */
#include "raw_thread.h"

#include <helper.h>
#include <objects.h>
#include <test.h>

#include <stdatomic.h>
#include <zircon/process.h>
#include <zircon/threads.h>

#define PATIENCE ZX_SEC(10)
#define MOST_URGENT 31u
#define FIRST_CPU 1u

static struct raw_thread spinner, victim;
static _Atomic uint64_t spins;

RAW_THREAD spin_and_count(uintptr_t unused1, uintptr_t unused2) {
    (void)unused1, (void)unused2;
    for (;;)
        atomic_fetch_add(&spins, 1);
}

RAW_THREAD make_threads(uintptr_t unused1, uintptr_t unused2) {
    (void)unused1, (void)unused2;
    for (;;) {
        zx_handle_t handle;
        if (zx_thread_create(zx_process_self(), "x", 1, 0, &handle) == ZX_OK)
            zx_handle_close(handle);
    }
}

static bool spinner_spins(void) {
    uint64_t before = atomic_load(&spins);
    zx_time_t give_up = zx_clock_get_monotonic() + PATIENCE;
    while (atomic_load(&spins) == before && zx_clock_get_monotonic() < give_up)
        sleep_for(ZX_MSEC(1));
    return atomic_load(&spins) != before;
}

/* From here on nothing less urgent runs on the first CPU but for a moment now and then: the caller
 * is as urgent, and takes turns with it. */
static void start_spinner(void) {
    EXPECT_OK(zx_thread_set_priority(zx_thread_self(), MOST_URGENT));
    EXPECT_OK(raw_thread_create(&spinner));
    EXPECT_OK(zx_thread_set_priority(spinner.handle, MOST_URGENT));
    EXPECT_OK(zx_thread_set_affinity(spinner.handle, FIRST_CPU));
    EXPECT_OK(raw_thread_start(&spinner, spin_and_count, 0, 0));
    EXPECT(spinner_spins());
}

static void end_spinner(void) {
    zx_task_kill(spinner.handle);
    bool has_ended = wait_for(spinner.handle, ZX_THREAD_TERMINATED, PATIENCE);
    zx_thread_set_priority(zx_thread_self(), 16);
    EXPECT(has_ended);
    EXPECT_OK(zx_handle_close(spinner.handle));
}

static void start_victim(void (*entry)(uintptr_t, uintptr_t)) {
    EXPECT_OK(raw_thread_create(&victim));
    EXPECT_OK(zx_thread_set_affinity(victim.handle, FIRST_CPU));
    EXPECT_OK(raw_thread_start(&victim, entry, 0, 0));
    sleep_for(ZX_MSEC(3)); /* it has come where it stays */
    EXPECT_OK(zx_thread_set_priority(victim.handle, 0));
}

/* A change of its priority must not bring it back below the spinner. */
static void expect_end(bool must_change_priority) {
    zx_status_t status = zx_task_kill(victim.handle);
    zx_status_t changed = must_change_priority ? zx_thread_set_priority(victim.handle, 0) : ZX_OK;
    bool has_ended = wait_for(victim.handle, ZX_THREAD_TERMINATED, PATIENCE);
    bool spins_on = spinner_spins();
    CHECK(end_spinner());
    EXPECT_OK(status);
    EXPECT_OK(changed);
    EXPECT(has_ended);
    EXPECT(spins_on);
    EXPECT_OK(zx_handle_close(victim.handle));
}

static void kill_row(void (*entry)(uintptr_t, uintptr_t)) {
    for (int i = 0; i < 2; i++) {
        CHECK(start_victim(entry));
        CHECK(start_spinner());
        CHECK(expect_end(i == 1));
    }
}

TEST(kill_below_a_spinner, of_a_thread_that_runs) {
    CHECK(kill_row(raw_spin));
}

TEST(kill_below_a_spinner, of_a_thread_that_waits) {
    CHECK(kill_row(raw_sleep));
}

TEST(kill_below_a_spinner, of_a_thread_that_calls_the_kernel_all_the_time) {
    CHECK(kill_row(make_threads));
}

TEST(kill_below_a_spinner, of_a_thread_that_has_not_run_yet) {
    CHECK(start_spinner());
    EXPECT_OK(raw_thread_create(&victim));
    EXPECT_OK(zx_thread_set_affinity(victim.handle, FIRST_CPU));
    EXPECT_OK(zx_thread_set_priority(victim.handle, 0));
    EXPECT_OK(raw_thread_start(&victim, raw_spin, 0, 0));
    CHECK(expect_end(false));
}

/* Its threads have nothing but a start, a stack and their priority; all are below the spinner. */
#define CROWD 60
static char stacks[CROWD][512] __attribute__((aligned(16)));

HELPER(crowd) {
    zx_thread_set_affinity(zx_thread_self(), FIRST_CPU);
    for (int i = 0; i < CROWD; i++) {
        zx_handle_t handle;
        uintptr_t top = (uintptr_t)stacks[i] + sizeof(stacks[i]) - sizeof(uintptr_t);
        if (zx_thread_create(zx_process_self(), "crowd", 5, 0, &handle) != ZX_OK ||
            zx_thread_set_affinity(handle, FIRST_CPU) != ZX_OK ||
            zx_thread_set_priority(handle, (uint32_t)i % 8) != ZX_OK ||
            zx_thread_start(handle, (zx_vaddr_t)(i % 2 ? raw_spin : raw_sleep), top, 0, 0) != ZX_OK)
            return 1;
    }
    helper_report_ready(channel);
    zx_thread_set_priority(zx_thread_self(), 0);
    for (;;)
        ;
}

TEST(kill_below_a_spinner, of_a_process_with_many_threads) {
    struct helper helper;
    CHECK(helper_start(&helper, "crowd"));
    CHECK(helper_wait_until_ready(&helper));
    sleep_for(ZX_MSEC(3));
    CHECK(start_spinner());
    zx_status_t status = zx_task_kill(helper.process);
    bool has_ended = wait_for(helper.process, ZX_PROCESS_TERMINATED, PATIENCE);
    bool spins_on = spinner_spins();
    CHECK(end_spinner());
    helper_close(&helper);
    EXPECT_OK(status);
    EXPECT(has_ended);
    EXPECT(spins_on);
}

#define SPINNERS 100
static char spinner_stacks[SPINNERS][512] __attribute__((aligned(16)));
static zx_handle_t spinners[SPINNERS];
static _Atomic uint64_t spins_of[SPINNERS];

RAW_THREAD spin_and_count_for(uintptr_t number, uintptr_t unused) {
    (void)unused;
    for (;;)
        atomic_fetch_add(&spins_of[number], 1);
}

static void start_spinners(void) {
    for (uintptr_t i = 0; i < SPINNERS; i++) {
        uintptr_t top = (uintptr_t)spinner_stacks[i] + sizeof(spinner_stacks[i]) - sizeof(top);
        EXPECT_OK(zx_thread_create(zx_process_self(), "spinner", 7, 0, &spinners[i]));
        EXPECT_OK(zx_thread_set_affinity(spinners[i], FIRST_CPU));
        EXPECT_OK(zx_thread_set_priority(spinners[i], MOST_URGENT));
        EXPECT_OK(zx_thread_start(spinners[i], (zx_vaddr_t)spin_and_count_for, top, i, 0));
    }
}

static void end_spinners(void) {
    for (int i = 0; i < SPINNERS; i++) {
        zx_task_kill(spinners[i]);
        EXPECT(wait_for(spinners[i], ZX_THREAD_TERMINATED, PATIENCE));
        EXPECT_OK(zx_handle_close(spinners[i]));
    }
}

/* The cleaning up does not take turns with the spinners: before all of them have had theirs, it is
 * done. We look on from another CPU; without one there is nothing to see. */
TEST(kill_below_a_spinner, of_a_process_whose_cleaning_up_is_above_many_spinners) {
    static uint64_t before[SPINNERS];
    struct helper helper;
    int have_run = 0;
    if (zx_thread_set_affinity(zx_thread_self(), FIRST_CPU << 1) != ZX_OK)
        return;
    CHECK(helper_start(&helper, "crowd"));
    CHECK(helper_wait_until_ready(&helper));
    CHECK(start_spinners());
    for (int i = 0; i < SPINNERS; i++)
        before[i] = atomic_load(&spins_of[i]);
    zx_status_t status = zx_task_kill(helper.process);
    bool has_ended = wait_for(helper.process, ZX_PROCESS_TERMINATED, PATIENCE);
    for (int i = 0; i < SPINNERS; i++)
        have_run += atomic_load(&spins_of[i]) != before[i];
    CHECK(end_spinners());
    helper_close(&helper);
    EXPECT_OK(zx_thread_set_affinity(zx_thread_self(), UINT32_MAX));
    EXPECT_OK(status);
    EXPECT(has_ended);
    EXPECT(have_run < SPINNERS / 2);
}

HELPER(ends_below_the_spinner) {
    (void)channel;
    zx_thread_set_affinity(zx_thread_self(), FIRST_CPU);
    zx_thread_set_priority(zx_thread_self(), 0);
    return 0;
}

/* The end of its channel wakes us on the same CPU, and so holds it up in the middle of its end. */
TEST(kill_below_a_spinner, of_a_process_that_is_ending_by_itself) {
    struct helper helper;
    EXPECT_OK(zx_thread_set_affinity(zx_thread_self(), FIRST_CPU));
    EXPECT_OK(zx_thread_set_priority(zx_thread_self(), MOST_URGENT));
    CHECK(helper_start(&helper, "ends_below_the_spinner"));
    EXPECT(wait_for(helper.channel, ZX_CHANNEL_PEER_CLOSED, PATIENCE));
    bool had_ended = process_has_ended(helper.process);
    CHECK(start_spinner());
    zx_status_t status = zx_task_kill(helper.process);
    bool has_ended = wait_for(helper.process, ZX_PROCESS_TERMINATED, PATIENCE);
    bool spins_on = spinner_spins();
    CHECK(end_spinner());
    EXPECT_OK(zx_thread_set_affinity(zx_thread_self(), UINT32_MAX));
    helper_close(&helper);
    EXPECT(!had_ended);
    EXPECT_OK(status);
    EXPECT(has_ended);
    EXPECT(spins_on);
}
