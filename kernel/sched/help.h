/* Work stealing: idle CPUs take ready threads from busy ones. Only kernel/sched includes this.
 *
 * The invariant: no CPU stays halted while a thread that may run on it is ready elsewhere.
 *
 * 1. A CPU that becomes idle first sets its bit in idle_cpus, then looks at all ready threads of
 *    all other CPUs.
 * 2. Code that queues a thread behind another looks for idle CPUs that may run it. It has one of
 *    them called, at once or a moment later (help_locked). Push and look are both done under
 *    the same run queue lock. So either the idle CPU finds the thread, or the pusher sees the idle
 *    CPU. This holds for a preempted thread too. A thread that yields to an equal waits until the
 *    slice ends.
 * 3. Code that queues a thread in front of all others calls no CPU for it, because it runs next.
 *    But a second thread may be queued before the CPU switches; then one of the two waits. If the
 *    CPU runs a thread, the code that queues the second one looks for idle CPUs, for both. If the
 *    CPU is idle, it looks itself when it leaves idle: one of the two may be a thread that it
 *    stole. Either look comes after both pushes, under the same lock, so step 2 holds for it.
 * 4. A call names the CPUs that the thread may run on. The called CPU looks at all ready threads.
 *    It may take another thread, find none, or leave for work of its own. In each case, if a thread
 *    is still ready somewhere, it calls the next CPU that was named, never itself again. */
#pragma once

#include <arch/turns.h>
#include <sched/sched_cpu.h>

extern _Atomic uint32_t idle_cpus; /* one bit for each CPU whose idle thread runs */

static inline uint32_t idle_cpus_for(const struct thread* thread) {
    return atomic_load_explicit(&idle_cpus, memory_order_relaxed) & thread->affinity;
}

/* Starts a call for help if one of `cpus` is idle. These CPUs may run a thread that was queued at
 * `sched`, or will be. The call is made with a delay, but at once if `sched` is another CPU's. */
void help_start_or_call_locked(struct sched_cpu* sched, uint32_t cpus);
static inline void help_locked(struct sched_cpu* sched, uint32_t cpus) {
    if (cpus & atomic_load_explicit(&idle_cpus, memory_order_relaxed))
        help_start_or_call_locked(sched, cpus);
}
/* help_locked for all ready threads. */
void help_ready_locked(struct sched_cpu* sched);
/* help_locked for all threads that are ready in `queues` (one bit for each), except the thread that
 * runs next. */
void help_all_but_first_locked(struct sched_cpu* sched, uint64_t queues);
/* help_locked at a slice's end, for the running thread and the threads of its priority that share
 * the CPU. */
void help_equals_locked(struct sched_cpu* sched);
/* The callback of sched_cpu.help_timer. */
void help_is_due(struct timer* timer);
/* Calls one idle CPU of `cpus`, if there is one. */
void help_call(uint32_t cpus);
/* One bounded piece of the look at the ready threads of other CPUs. Called in the idle thread of
 * `here`, interrupts off. True: a thread was taken, or the look is not over. `place` queues a
 * MOVING thread at a CPU that may run it. */
bool help_others(struct sched_cpu* here, void (*place)(struct thread*));
/* Passes on the call that this CPU was given. */
void help_pass_call_on(struct sched_cpu* here);
/* Called when the CPU `here` is no longer idle, with its run queue locked. Clears its bit, and
 * passes on the call that it was given. The bit is cleared before `called` is read: race 1 of
 * help_call. */
static inline void help_leave_locked(struct sched_cpu* here) {
    atomic_fetch_and(&idle_cpus, ~here->mask);
    here->look.turn = 0;
    turn_point();
    if (here->look.call | atomic_load(&here->called))
        help_pass_call_on(here);
}
