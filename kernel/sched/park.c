/* Parking. The races, and what closes them:
 *
 * An unpark between the look at the token and the block: thread_unpark leaves the token before it
 * looks at the state; thread_park sets the state, under the run queue's lock, before it looks at
 * the token for the last time. Both orders are sequentially consistent, so at least one of the two
 * sees the other.
 *
 * The same holds for a kill (pending_work) and for the deadline (has_timed_out). The timer is
 * cancelled before thread_park returns, so it never finds another wait, or a thread that is no
 * more.
 */
#include <sched/thread.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/interrupt.h>
#include <lock/spinlock.h>
#include <sched/sched_cpu.h>

static bool take_token(struct thread* thread) {
    return atomic_load_explicit(&thread->park_token, memory_order_relaxed) &&
           atomic_exchange(&thread->park_token, 0);
}

static bool has_reason_to_stay(struct thread* thread, bool is_killable) {
    return atomic_load(&thread->park_token) || atomic_load(&thread->has_timed_out) ||
           (is_killable && thread_is_killed(thread));
}

static ALWAYS_INLINE void block(struct thread* thread, bool is_killable) {
    interrupt_state_t state = interrupts_save_and_disable();
    struct sched_cpu* sched = this_cpu()->sched;
    spin_lock(&sched->lock);
    thread->is_interruptible = is_killable;
    __atomic_store_n(&thread->state, THREAD_BLOCKED, __ATOMIC_SEQ_CST);
    if (likely(!has_reason_to_stay(thread, is_killable))) {
        sched_switch_and_unlock(sched, state);
        return;
    }
    thread->state = THREAD_RUNNING;
    spin_unlock_irqrestore(&sched->lock, state);
}

static inline zx_status_t park(struct thread* thread, bool is_killable) {
    for (;;) {
        block(thread, is_killable);
        if (likely(take_token(thread)))
            return ZX_OK;
        if (is_killable && thread_is_killed(thread))
            return ZX_ERR_CANCELED;
        if (atomic_load_explicit(&thread->has_timed_out, memory_order_relaxed))
            return ZX_ERR_TIMED_OUT;
    }
}

static NOINLINE zx_status_t park_until(struct thread* thread, zx_time_t deadline) {
    if (take_token(thread))
        return ZX_OK;
    if (deadline <= clock_now())
        return thread_is_killed(thread) ? ZX_ERR_CANCELED : ZX_ERR_TIMED_OUT;
    timer_arm(&thread->park_timer, deadline);
    zx_status_t status = park(thread, true);
    timer_cancel(&thread->park_timer);
    atomic_store_explicit(&thread->has_timed_out, false, memory_order_relaxed);
    return status;
}

zx_status_t thread_park(zx_time_t deadline) {
    struct thread* thread = thread_current();
    lock_order_assert_none_held();
    return deadline == ZX_TIME_INFINITE ? park(thread, true) : park_until(thread, deadline);
}

void thread_park_uninterruptible(void) {
    lock_order_assert_none_held();
    (void)park(thread_current(), false);
}

void thread_unpark(struct thread* thread) {
    if (atomic_exchange(&thread->park_token, 1))
        return;
    if (__atomic_load_n(&thread->state, __ATOMIC_SEQ_CST) != THREAD_BLOCKED)
        return;
    if (unlikely(thread_current()->is_handing_over))
        sched_wake_as_successor(thread, false);
    else
        sched_wake(thread);
}

void thread_unpark_at_once(struct thread* thread) {
    if (!atomic_exchange(&thread->park_token, 1) &&
        __atomic_load_n(&thread->state, __ATOMIC_SEQ_CST) == THREAD_BLOCKED)
        sched_wake_as_successor(thread, !thread_current()->is_handing_over);
}

zx_status_t thread_sleep_until(zx_time_t deadline) {
    for (;;) {
        zx_status_t status = thread_park(deadline);
        if (status == ZX_ERR_TIMED_OUT)
            return ZX_OK;
        if (status != ZX_OK)
            return status;
    }
}

/* A kill takes effect where the thread would go back to user mode, with nothing held. */
void thread_return_to_user(void) {
    if (thread_is_killed(thread_current()))
        thread_exit_current();
}
