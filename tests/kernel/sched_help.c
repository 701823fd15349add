/* Idle CPUs come for threads that became ready together, and no call for help is lost. */
#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <sched/help.h>
#include <sched/park.h>
#include <sched/thread.h>

#include "all_cpus.h"
#include "random.h"
#include "selftest.h"

#define MILLISECOND 1000000l
#define GIVE_UP_NANOSECONDS (10000 * MILLISECOND)
#define URGENT (THREAD_PRIORITY_DEFAULT + 4)
#define SELDOM (THREAD_PRIORITY_DEFAULT - 4)
#define SECOND_CPU 2u

static struct thread* create_on(uint32_t cpus, void (*run)(void*), uint32_t priority) {
    struct thread* thread = thread_create("help", run, NULL, priority);
    return thread && thread_set_affinity(thread, cpus) == ZX_OK ? thread : NULL;
}

static struct thread* create(void (*run)(void*), uint32_t priority) {
    return create_on(SECOND_CPU, run, priority);
}

static void bury(struct thread* thread) {
    thread_join(thread);
    thread_release(thread);
}

/* --- two become ready at once ----------------------------------------------------------------- */

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

/* --- a CPU is called while it stops being idle ------------------------------------------------ */

#define FLIPS 300u
#define FIRST_CPU 1u
#define THIRD_CPU 4u

static _Atomic uint32_t flips_begun, flips_ended;
static _Atomic bool third_is_occupied, third_may_end;
static uint32_t calls_left, calls_lost;

static void do_nothing(void* unused) {
    (void)unused;
}

static void occupy_third(void* unused) {
    (void)unused;
    atomic_store(&third_is_occupied, true);
    while (!atomic_load(&third_may_end))
        cpu_relax();
}

/* In each flip the second CPU is idle for a moment, and then has work of its own. */
static void flip(void* unused) {
    uint32_t random = 23;
    (void)unused;
    for (uint32_t i = 1; i <= FLIPS; i++) {
        EXPECT_OK(thread_sleep_until(clock_now() + random_next(&random) % 100000));
        atomic_store(&flips_begun, i);
        while (atomic_load(&flips_ended) < i)
            cpu_relax();
    }
}

/* The last call of each flip is the one that counts. */
static void call_in_each_flip(uint32_t cpus) {
    _Atomic uint32_t *second = &sched_cpus[1].called, *third = &sched_cpus[2].called;
    for (uint32_t i = 1; i <= FLIPS; i++) {
        zx_time_t give_up = clock_now() + GIVE_UP_NANOSECONDS;
        atomic_store(third, cpus);
        while (atomic_load(&flips_begun) < i && clock_now() < give_up) {
            atomic_store(third, 0);
            help_call(cpus);
            cpu_relax();
        }
        if (atomic_load(&flips_begun) < i)
            break;
        calls_left += atomic_load(second) != 0;
        calls_lost += cpus & THIRD_CPU && atomic_load(third) == 0;
        atomic_store(&flips_ended, i);
    }
    atomic_store(&flips_ended, FLIPS);
}

/* The third CPU runs a thread, but passes for idle. So a call stays there, and can be seen. */
static void call_with_third(void) {
    atomic_store(&third_is_occupied, false);
    atomic_store(&third_may_end, false);
    struct thread* thread = create_on(THIRD_CPU, occupy_third, THREAD_PRIORITY_DEFAULT);
    EXPECT(thread != NULL);
    thread_start(thread);
    while (!atomic_load(&third_is_occupied))
        cpu_relax();
    atomic_fetch_or(&idle_cpus, THIRD_CPU);
    call_in_each_flip(SECOND_CPU | THIRD_CPU);
    atomic_fetch_and(&idle_cpus, ~THIRD_CPU);
    atomic_store(&third_may_end, true);
    bury(thread);
}

/* A call is passed on as long as a thread is ready, and one that may run only here is. What the
 * second CPU finds in `called` while it runs a thread, it would not look at for long. */
SELFTEST(sched, a_call_of_a_cpu_that_stops_being_idle_goes_to_the_next) {
    if (cpu_count() < 2)
        return;
    stay_on_cpu(0);
    atomic_store(&flips_begun, 0);
    atomic_store(&flips_ended, 0);
    calls_left = calls_lost = 0;
    struct thread* flipping = create(flip, URGENT);
    struct thread* ready = create_on(FIRST_CPU, do_nothing, SELDOM);
    EXPECT(flipping && ready);
    thread_start(ready);
    thread_start(flipping);
    if (cpu_count() > 2)
        call_with_third();
    else
        call_in_each_flip(SECOND_CPU);
    bury(flipping);
    bury(ready);
    stay_anywhere();
    EXPECT_EQUAL(atomic_load(&flips_begun), FLIPS);
    EXPECT_EQUAL(calls_left, 0);
    EXPECT_EQUAL(calls_lost, 0);
}
