/* Idle CPUs that take ready threads from busy ones. Only kernel/sched includes this.
 *
 * What holds: no CPU stays halted while a thread waits elsewhere that may run on it.
 *
 * 1. A CPU that becomes idle says so in idle_cpus, then looks at all ready threads of all others.
 * 2. Who queues a thread to wait sees the idle CPUs it may run on, and has one of them called, at
 *    once or a moment later: see help_start_locked. The push and the look are both done under the
 *    same lock, so that either the look finds the thread, or the push sees the idle CPU. This goes
 *    for a preempted thread, too. One that yields to an equal waits until the slice ends.
 * 3. A call names the CPUs that the thread may run on. The called one looks at all ready threads.
 *    It may take another thread, find none or leave for work of its own: then, if anybody is ready
 *    anywhere, it calls the next of those that were named, but never again itself. */
#pragma once

#include <sched/sched_cpu.h>

extern _Atomic uint32_t idle_cpus; /* bit per CPU whose idle thread runs */

static inline uint32_t idle_cpus_for(const struct thread* thread) {
    return atomic_load_explicit(&idle_cpus, memory_order_relaxed) & thread->affinity;
}

/* A thread that these CPUs may run was queued at `sched`, which is this CPU's, or is about to be.
 */
void help_start_locked(struct sched_cpu* sched, uint32_t cpus);
/* At a slice's end: the same for the running thread and those it shares the CPU with. */
void help_equals_locked(struct sched_cpu* sched);
void help_is_due(struct timer* timer);
/* Calls one of these CPUs, if one is idle. */
void help_call(uint32_t cpus);
/* In the idle thread of `here`, interrupts off: a bounded look at the ready threads of others.
 * True: something was taken, or the look is not over. */
bool help_others(struct sched_cpu* here);
/* `here`, which is locked, is idle no more. */
void help_leave_locked(struct sched_cpu* here);
