/* Idle CPUs come for threads that became ready together, and no call for help is lost. */
#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <debug/selftest.h>
#include <sched/park.h>
#include <sched/sched.h>
#include <sched/thread.h>

#include "all_cpus.h"

#define MILLISECOND 1000000l
#define GIVE_UP_NANOSECONDS (10000 * MILLISECOND)
#define URGENT (THREAD_PRIORITY_DEFAULT + 4)
#define SELDOM (THREAD_PRIORITY_DEFAULT - 4)
#define SECOND_CPU 2u

static struct thread* create(void (*run)(void*), uint32_t priority) {
    struct thread* thread = thread_create("help", run, NULL, priority);
    return thread && thread_set_affinity(thread, SECOND_CPU) == ZX_OK ? thread : NULL;
}

static void bury(struct thread* thread) {
    thread_join(thread);
    thread_release(thread);
}

/* --- two become ready at once ------------------------------------------------------------------
 */

static zx_time_t both_are_due;
static _Atomic bool free_has_run, was_helped, occupant_may_end;

/* It keeps the second CPU until the other one has run. */
static void wake_pinned(void* unused) {
    (void)unused;
    EXPECT_OK(thread_sleep_until(both_are_due));
    zx_time_t give_up = clock_now() + GIVE_UP_NANOSECONDS;
    while (!atomic_load(&free_has_run) && clock_now() < give_up)
        cpu_relax();
    atomic_store(&was_helped, atomic_load(&free_has_run));
    atomic_store(&occupant_may_end, true);
}

/* It sleeps on the second CPU, whose timer wakes it there. */
static void wake_free(void* unused) {
    (void)unused;
    EXPECT_OK(thread_set_affinity(thread_current(), UINT32_MAX));
    EXPECT_OK(thread_sleep_until(both_are_due));
    atomic_store(&free_has_run, true);
}

static void occupy(void* unused) {
    (void)unused;
    while (!atomic_load(&occupant_may_end))
        cpu_relax();
}

static void start_and_wait_until_blocked(struct thread* thread) {
    thread_start(thread);
    while (__atomic_load_n(&thread->state, __ATOMIC_SEQ_CST) != THREAD_BLOCKED &&
           clock_now() < both_are_due)
        cpu_relax();
}

/* One interrupt makes both ready on the second CPU, which runs `occupant` or is idle. All other
 * CPUs are idle: this thread does nothing until the end, because a CPU that becomes idle would look
 * round and find the thread that waits. */
static void expect_both_run(struct thread* occupant) {
    stay_on_cpu(0);
    atomic_store(&free_has_run, false);
    atomic_store(&was_helped, false);
    atomic_store(&occupant_may_end, false);
    both_are_due = clock_now() + 30 * MILLISECOND;
    struct thread* pinned = create(wake_pinned, URGENT);
    struct thread* free = create(wake_free, THREAD_PRIORITY_DEFAULT);
    EXPECT(pinned && free);
    start_and_wait_until_blocked(free);
    start_and_wait_until_blocked(pinned);
    if (occupant)
        thread_start(occupant);
    bury(pinned);
    bury(free);
    stay_anywhere();
    EXPECT(atomic_load(&was_helped));
}

SELFTEST(sched, an_idle_cpu_that_gets_two_threads_at_once_calls_for_help) {
    if (cpu_count() > 1)
        expect_both_run(NULL);
}

SELFTEST(sched, a_busy_cpu_that_gets_two_urgent_threads_at_once_calls_for_help) {
    if (cpu_count() < 2)
        return;
    struct thread* occupant = create(occupy, SELDOM);
    EXPECT(occupant != NULL);
    expect_both_run(occupant);
    bury(occupant);
}
