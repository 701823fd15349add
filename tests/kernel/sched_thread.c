/* Threads: birth, death, joining, killing, and what they leave. */
#include <stdatomic.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <debug/selftest.h>
#include <sched/thread.h>

#include "all_cpus.h"

#define FOR_EVER_NANOSECONDS 30000000000l /* see counter_comes_to */

static void do_nothing(void* unused) {
    (void)unused;
}

/* The next thread comes as soon as the last one was reaped, so that it often interrupts the idle
 * loop of the other CPU between its look for dead threads and its sleep: whoever died then must not
 * be left lying until something else happens. */
SELFTEST(sched_thread, the_dead_are_reaped_before_the_cpu_sleeps) {
    if (cpu_count() < 2)
        return;
    stay_on_cpu(0);
    for (unsigned i = 0; i < 600; i++) {
        struct thread* thread = thread_create("short", do_nothing, NULL, THREAD_PRIORITY_DEFAULT);
        EXPECT(thread != NULL);
        EXPECT_OK(thread_set_affinity(thread, 2));
        thread_start(thread);
        zx_time_t deadline = clock_now() + FOR_EVER_NANOSECONDS;
        while (!atomic_load(&thread->is_reaped) && clock_now() < deadline)
            cpu_relax();
        EXPECT(atomic_load(&thread->is_reaped));
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

SELFTEST(sched_thread, one_that_never_starts_leaves_nothing) {
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
