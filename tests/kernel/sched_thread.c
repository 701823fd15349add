/* Threads: birth, death, joining, killing, and what they leave. */
#include <stdatomic.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <debug/selftest.h>
#include <sched/thread.h>

#include "all_cpus.h"

#define FOR_EVER_NANOSECONDS 30000000000l /* on a machine with much else to do, too */

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
