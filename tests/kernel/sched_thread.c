/* Threads: birth, death, joining, killing, and what they leave. */
#include <stdatomic.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/preempt.h>
#include <mm/kernel_stack.h>
#include <sched/sched.h>
#include <sched/park.h>
#include <sched/thread.h>

#include "all_cpus.h"
#include "held_cleaner.h"
#include "selftest.h"

#define FOR_EVER_NANOSECONDS 30000000000l /* see counter_comes_to */

static void do_nothing(void* unused) {
    (void)unused;
}

/* The next thread comes as soon as the last one was buried. So it often interrupts the idle loop of
 * the other CPU between its look for dead threads and its sleep. A thread that died then must not
 * wait for burial until something else happens. */
SELFTEST(sched_thread, the_dead_are_buried_before_the_cpu_sleeps) {
    if (cpu_count() < 2)
        return;
    stay_on_cpu(0);
    for (unsigned i = 0; i < 600; i++) {
        struct thread* thread = thread_create("short", do_nothing, NULL, THREAD_PRIORITY_DEFAULT);
        EXPECT(thread != NULL);
        EXPECT_OK(thread_set_affinity(thread, 2));
        thread_start(thread);
        zx_time_t deadline = clock_now() + FOR_EVER_NANOSECONDS;
        while (!atomic_load(&thread->is_buried) && clock_now() < deadline)
            cpu_relax();
        EXPECT(atomic_load(&thread->is_buried));
        thread_release(thread);
    }
    stay_anywhere();
}

SELFTEST(sched_thread, ten_thousand_threads_leave_nothing) {
    size_t free_before = pages_free_when_trimmed(), count_before = thread_count();
    for (unsigned i = 0; i < 10000; i++) {
        struct thread* thread = thread_create("short", do_nothing, NULL, THREAD_PRIORITY_DEFAULT);
        EXPECT(thread != NULL);
        thread_start(thread);
        thread_join(thread);
        EXPECT_EQUAL(thread->state, THREAD_DEAD);
        EXPECT(thread->stack_top == NULL);
        thread_release(thread);
    }
    EXPECT(threads_come_back(count_before));
    EXPECT(pages_come_back(free_before));
}

/* Many at once: more than there are cached stacks. */
SELFTEST(sched_thread, two_hundred_threads_live_at_once) {
    static struct thread* threads[200];
    size_t free_before = pages_free_when_trimmed();
    for (unsigned i = 0; i < 200; i++) {
        threads[i] = thread_create("many", do_nothing, NULL, THREAD_PRIORITY_DEFAULT);
        EXPECT(threads[i] != NULL);
    }
    for (unsigned i = 0; i < 200; i++)
        thread_start(threads[i]);
    for (unsigned i = 0; i < 200; i++) {
        thread_join(threads[i]);
        thread_release(threads[i]);
    }
    EXPECT(pages_come_back(free_before));
}

static uint64_t ipis_so_far(void) {
    uint64_t ipis = 0;
    for (uint32_t i = 0; i < cpu_count(); i++)
        ipis += cpu_by_number(i)->statistics_ipis;
    return ipis;
}

/* More at once than there are stacks kept for later, time and again. The interrupts of all CPUs are
 * counted, because the cleaner may unmap stacks on any of them. It may be woken there by another
 * interrupt, once for many dead threads, if nobody joins them. The test unmaps the stacks that the
 * cleaner has not come to. */
SELFTEST(sched_thread, waves_of_deaths_interrupt_the_other_cpus_seldom) {
    stay_on_cpu(0);
    thread_bury_all();
    size_t count_before = thread_count();
    uint64_t before = ipis_so_far();
    for (unsigned wave = 0; wave < 10; wave++) {
        for (unsigned i = 0; i < 200; i++) {
            struct thread* thread =
                thread_create("wave", do_nothing, NULL, THREAD_PRIORITY_DEFAULT);
            EXPECT(thread != NULL);
            EXPECT_OK(thread_set_affinity(thread, 1));
            thread_start(thread);
            thread_release(thread);
        }
        EXPECT(threads_come_back(count_before));
        while (kernel_stack_trim_batch())
            ;
    }
    uint64_t ipis = ipis_so_far() - before;
    EXPECT(ipis <= 10 * 40 * (cpu_count() - 1));
    stay_anywhere();
}

#define CROWD 500u
#define UNBURIED_AT_MOST 100u

/* Nobody waits for the cleaner, which may be held up by others. */
SELFTEST(sched_thread, who_makes_threads_buries_the_dead_if_the_cleaner_does_not) {
    stay_on_cpu(0);
    thread_bury_all();
    size_t count_before = thread_count(), most = 0;
    unsigned made = 0;
    EXPECT(cleaner_hold());
    for (; made < CROWD; made++) {
        struct thread* thread = thread_create("crowd", do_nothing, NULL, THREAD_PRIORITY_DEFAULT);
        if (!thread || thread_set_affinity(thread, 1) != ZX_OK)
            break;
        thread_start(thread);
        thread_release(thread);
        thread_yield();
        most = MAX(most, thread_count() - count_before);
    }
    cleaner_let_go();
    EXPECT_EQUAL(made, CROWD);
    EXPECT(most <= UNBURIED_AT_MOST);
    EXPECT(threads_come_back(count_before));
    stay_anywhere();
}

static _Atomic uint32_t busy_cpus;
static _Atomic bool cpus_may_rest;

static void be_busy(void* unused) {
    (void)unused;
    atomic_fetch_add(&busy_cpus, 1);
    while (!atomic_load(&cpus_may_rest))
        cpu_relax();
}

/* On all CPUs but this one, CPU 0. */
static void make_others_busy(void) {
    atomic_store(&busy_cpus, 0);
    atomic_store(&cpus_may_rest, false);
    for (uint32_t cpu = 1; cpu < cpu_count(); cpu++) {
        struct thread* thread = thread_create("busy", be_busy, NULL, THREAD_PRIORITY_DEFAULT);
        EXPECT(thread != NULL);
        EXPECT_OK(thread_set_affinity(thread, 1u << cpu));
        thread_start(thread);
        thread_release(thread);
    }
    while (atomic_load(&busy_cpus) < cpu_count() - 1)
        cpu_relax();
}

/* Too few died to be buried at once, nobody joins them, and no CPU becomes idle. */
SELFTEST(sched_thread, a_few_dead_are_buried_while_all_cpus_are_busy) {
    struct thread* dead[3];
    size_t count_before = thread_count();
    stay_on_cpu(0);
    make_others_busy();
    for (unsigned i = 0; i < 3; i++) {
        dead[i] = thread_create("short", do_nothing, NULL, THREAD_PRIORITY_DEFAULT + 1);
        EXPECT(dead[i] != NULL);
        EXPECT_OK(thread_set_affinity(dead[i], 1));
        thread_start(dead[i]);
    }
    zx_time_t give_up = clock_now() + FOR_EVER_NANOSECONDS;
    bool are_buried = false;
    while (!are_buried && clock_now() < give_up) {
        are_buried = true;
        for (unsigned i = 0; i < 3; i++)
            are_buried = are_buried && atomic_load(&dead[i]->is_buried);
        cpu_relax();
    }
    atomic_store(&cpus_may_rest, true);
    for (unsigned i = 0; i < 3; i++)
        thread_release(dead[i]);
    stay_anywhere();
    EXPECT(are_buried);
    EXPECT(threads_come_back(count_before));
}

SELFTEST(sched_thread, one_that_never_starts_leaves_nothing) {
    thread_bury_all();
    size_t count_before = thread_count();
    struct thread* thread = thread_create("never", do_nothing, NULL, THREAD_PRIORITY_DEFAULT);
    EXPECT(thread != NULL);
    EXPECT_EQUAL(thread->state, THREAD_INITIAL);
    EXPECT_EQUAL(thread_count(), count_before + 1);
    thread_kill(thread); /* changes nothing: it was not started */
    EXPECT_EQUAL(thread->state, THREAD_INITIAL);
    thread_release(thread);
    EXPECT(threads_come_back(count_before));
}

static void exit_early(void* flag) {
    atomic_store((_Atomic uint32_t*)flag, 1);
    thread_exit_current();
}

SELFTEST(sched_thread, a_thread_may_end_itself_and_be_joined_by_many) {
    _Atomic uint32_t has_run = 0;
    struct thread* thread = thread_create("exit", exit_early, &has_run, THREAD_PRIORITY_DEFAULT);
    EXPECT(thread != NULL);
    thread_start(thread);
    thread_join(thread);
    thread_join(thread); /* again: it is dead already */
    EXPECT_EQUAL(atomic_load(&has_run), 1);
    thread_release(thread);
}

SELFTEST(sched_thread, affinity_to_no_cpu_is_refused) {
    struct thread* self = thread_current();
    EXPECT_EQUAL(thread_set_affinity(self, 0), ZX_ERR_INVALID_ARGS);
    if (cpu_count() < 32)
        EXPECT_EQUAL(thread_set_affinity(self, 1u << cpu_count()), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(self->affinity, UINT32_MAX);
    for (uint32_t cpu = 0; cpu < cpu_count(); cpu++) {
        EXPECT_OK(thread_set_affinity(self, 1u << cpu));
        stay_on_cpu(cpu);
    }
    stay_anywhere();
}

/* --- killed threads --------------------------------------------------------------------------- */

static struct thread* waiting;

static void wait_for_a_token(void* unused) {
    (void)unused;
    thread_park_uninterruptible();
}

static bool start_waiting(void) {
    waiting = thread_create("waiting", wait_for_a_token, NULL, 3);
    if (!waiting)
        return false;
    thread_start(waiting);
    while (__atomic_load_n(&waiting->state, __ATOMIC_SEQ_CST) != THREAD_BLOCKED)
        if (thread_sleep_until(clock_now() + 100000) != ZX_OK)
            return false;
    return true;
}

static void end_waiting(void) {
    preempt_disable();
    thread_unpark(waiting);
    preempt_enable();
    thread_join(waiting);
    thread_release(waiting);
}

SELFTEST(sched_thread, a_killed_thread_stays_above_all_programs) {
    EXPECT(start_waiting());
    thread_set_priority(waiting, 5);
    EXPECT_EQUAL(waiting->priority, 5);
    thread_kill(waiting);
    EXPECT_EQUAL(waiting->priority, THREAD_PRIORITY_SYSTEM);
    thread_set_priority(waiting, 0);
    EXPECT_EQUAL(waiting->priority, THREAD_PRIORITY_SYSTEM);
    end_waiting();
}

static void kill_or_change(void* cpu) {
    if ((uintptr_t)cpu == 0)
        thread_kill(waiting);
    else
        for (uint32_t i = 0; i < 20; i++)
            thread_set_priority(waiting, i);
}

/* Others change its priority while it is killed. */
SELFTEST(sched_thread, a_kill_decides_among_changes_of_the_priority) {
    for (unsigned i = 0; i < 20; i++) {
        EXPECT(start_waiting());
        EXPECT(run_on_all_cpus(kill_or_change));
        uint32_t priority = waiting->priority;
        end_waiting();
        EXPECT_EQUAL(priority, THREAD_PRIORITY_SYSTEM);
    }
}

static void join_waiting(void* unused) {
    (void)unused;
    thread_join(waiting);
}

/* It must not go round in a loop, above the one it waits for. */
SELFTEST(sched_thread, a_killed_thread_still_joins_another) {
    stay_on_cpu(0);
    EXPECT(start_waiting());
    EXPECT_OK(thread_set_affinity(waiting, 1));
    struct thread* joining = thread_create("joining", join_waiting, NULL, 3);
    EXPECT(joining != NULL);
    EXPECT_OK(thread_set_affinity(joining, 1));
    thread_start(joining);
    EXPECT_OK(thread_sleep_until(clock_now() + 1000000));
    thread_kill(joining);
    EXPECT_OK(thread_sleep_until(clock_now() + 1000000));
    EXPECT_EQUAL(__atomic_load_n(&joining->state, __ATOMIC_SEQ_CST), THREAD_BLOCKED);
    end_waiting();
    thread_join(joining);
    thread_release(joining);
    stay_anywhere();
}
