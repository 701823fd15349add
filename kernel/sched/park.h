/* Parking and handing over: how threads wait. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include <abi/types.h>
#include <arch/cpu.h>
#include <lib/compiler.h>
#include <sched/thread_state.h>

/* Parking: the one way to block. Each thread has one token.
 *
 * thread_park waits for the token, takes it and returns OK. It returns TIMED_OUT at `deadline`, and
 * CANCELED when the thread is killed. thread_unpark leaves the token and wakes the thread. A token
 * that was left before the park is not lost.
 *
 * A token may be left over from an earlier wait, so a waiter checks its condition in a loop. The
 * caller of thread_unpark must know that the thread is alive. Usually the waiter's node is still
 * linked, under a lock that the caller holds. Preemption is off, by the same lock. thread_park is
 * called with interrupts on and no lock held. */
MUST_CHECK zx_status_t thread_park(zx_time_t deadline);
/* thread_park without a deadline, for waits that a kill must not end. */
void thread_park_uninterruptible(void);
void thread_unpark(struct thread* thread);

/* Handing the CPU over, for two threads of which one waits for the other. The two share one slice.
 * Until it is over, other threads of the same priority do not run between them.
 *
 * Between _begin and _end the first thread that the caller unparks is not queued. It runs in the
 * caller's place as soon as the caller blocks, on this CPU. (It must be allowed to run here, and be
 * no less urgent.) thread_unpark_at_once gives it the caller's place as soon as preemption is
 * on. */
static inline void thread_hand_over_begin(void) {
    thread_current()->is_handing_over = true;
}
/* The caller did not block: queues its successor as usual. */
void thread_hand_over_give_up(void);
static inline void thread_hand_over_end(void) {
    struct thread* thread = thread_current();
    thread->is_handing_over = false;
    if (atomic_load_explicit(&thread->successor, memory_order_relaxed))
        thread_hand_over_give_up();
}
void thread_unpark_at_once(struct thread* thread);

MUST_CHECK zx_status_t thread_sleep_until(zx_time_t deadline); /* OK, or CANCELED when killed */
