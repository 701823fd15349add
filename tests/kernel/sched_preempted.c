/* A CPU becomes idle between the moment when a thread is to be preempted and the moment when it is.
 */
#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/preempt.h>
#include <sched/sched.h>
#include <sched/thread.h>

#include "selftest.h"

#define MILLISECOND 1000000l
#define FIRST_CPU 1u
#define SECOND_CPU 2u
#define URGENT (THREAD_PRIORITY_DEFAULT + 4)

static struct thread *urgent, *preempted, *occupant;
static _Atomic bool is_second_occupied, must_leave_second, has_gone_on;
static bool was_helped;

static void wait_for(const _Atomic bool* condition, zx_time_t give_up) {
    while (!atomic_load(condition) && clock_now() < give_up)
        cpu_relax();
}

static void occupy_second(void* unused) {
    (void)unused;
    atomic_store(&is_second_occupied, true);
    wait_for(&must_leave_second, ZX_TIME_INFINITE);
}

/* On the first CPU it gives nobody the CPU before the other thread has gone on. */
static void keep_first(void* unused) {
    (void)unused;
    wait_for(&has_gone_on, clock_now() + 10000 * MILLISECOND);
    was_helped = atomic_load(&has_gone_on);
}

static void be_preempted(void* unused) {
    const _Atomic bool never = false;
    (void)unused;
    wait_for(&is_second_occupied, ZX_TIME_INFINITE);
    preempt_disable();
    thread_start(urgent);
    atomic_store(&must_leave_second, true);
    wait_for(&never, clock_now() + 5 * MILLISECOND); /* the second CPU looks round, and halts */
    preempt_enable();
    atomic_store(&has_gone_on, true);
}

static struct thread* create(void (*run)(void*), uint32_t priority, uint32_t cpus) {
    struct thread* thread = thread_create("preempted", run, NULL, priority);
    return thread && thread_set_affinity(thread, cpus) == ZX_OK ? thread : NULL;
}

static void bury(struct thread* thread) {
    thread_join(thread);
    thread_release(thread);
}

SELFTEST(sched, a_cpu_that_becomes_idle_before_a_preemption_helps_the_preempted) {
    if (cpu_count() < 2)
        return;
    EXPECT_OK(thread_set_affinity(thread_current(), FIRST_CPU));
    while (cpu_number() != 0)
        thread_yield();
    atomic_store(&is_second_occupied, false);
    atomic_store(&must_leave_second, false);
    atomic_store(&has_gone_on, false);
    urgent = create(keep_first, URGENT, FIRST_CPU);
    occupant = create(occupy_second, THREAD_PRIORITY_DEFAULT, SECOND_CPU);
    preempted = create(be_preempted, THREAD_PRIORITY_DEFAULT, FIRST_CPU | SECOND_CPU);
    EXPECT(urgent && occupant && preempted);
    thread_start(occupant);
    thread_start(preempted); /* on this CPU, the first, once this thread blocks */
    bury(urgent);
    bury(preempted);
    bury(occupant);
    EXPECT_OK(thread_set_affinity(thread_current(), UINT32_MAX));
    EXPECT(was_helped);
}
