/* Parking. The races, and what closes them:
 *
 * All that matters is in one word, thread.park, and each step is one atomic operation on it. An
 * unpark before the block leaves a token there, and the block does not happen; one after it finds
 * that the thread waits, and has claimed it by the same step. Of several that come at once only one
 * claims it.
 *
 * A kill and a deadline first tell why (pending_work, has_timed_out), then claim the thread if it
 * waits; the thread first says that it waits, then looks for these reasons. At least one of the two
 * sees the other; if both do, the step back from the waiting decides between them. Who claims a
 * thread that has not quite left its CPU yet waits for the run queue's lock, which is held from
 * before it says that it waits until its registers are saved.
 *
 * The timer is cancelled before thread_park returns, so it never finds another wait, or a thread
 * that is no more.
 */
#include <sched/thread.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/interrupt.h>
#include <arch/turns.h>
#include <debug/panic.h>
#include <lock/spinlock.h>
#include <sched/sched_cpu.h>
#include <sched/switch.h>

/* The running thread's: nobody waits in it. Whatever the unparker did before is seen from here on.
 */
static inline bool take_token(struct thread* thread) {
    turn_point();
    return atomic_exchange(&thread->park, PARK_NONE) == PARK_TOKEN;
}

/* Blocks, unless there is a token or another reason not to. Answers the thread again. */
static ALWAYS_INLINE struct thread* block(struct thread* thread, uint32_t how, bool has_deadline) {
    uint32_t none = PARK_NONE, waits = how;
    struct cpu* cpu = this_cpu();
    struct sched_cpu* sched = cpu->sched;
    spin_lock_inner(&sched->lock);
    if (unlikely(!atomic_compare_exchange_strong(&thread->park, &none, how)))
        goto stay;
    turn_point();
    if ((how == PARK_KILLABLE && unlikely(thread_is_killed(thread))) ||
        (has_deadline && unlikely(atomic_load(&thread->has_timed_out)))) {
        turn_point();
        if (atomic_compare_exchange_strong(&thread->park, &waits, PARK_NONE))
            goto stay;
    }
    thread->state = THREAD_BLOCKED;
    return switch_and_unlock(cpu, sched, thread);

stay:
    spin_unlock_inner(&sched->lock);
    return thread;
}

static ALWAYS_INLINE zx_status_t park(struct thread* thread, uint32_t how, bool has_deadline) {
    lock_order_assert_none_held();
    ASSERT(interrupts_are_enabled());
    for (;;) {
        interrupts_disable();
        thread = block(thread, how, has_deadline);
        interrupts_enable();
        if (likely(take_token(thread)))
            return ZX_OK;
        if (how == PARK_KILLABLE && thread_is_killed(thread))
            return ZX_ERR_CANCELED;
        if (has_deadline && atomic_load_explicit(&thread->has_timed_out, memory_order_relaxed))
            return ZX_ERR_TIMED_OUT;
    }
}

static NOINLINE zx_status_t park_until(struct thread* thread, zx_time_t deadline) {
    if (take_token(thread))
        return ZX_OK;
    if (deadline <= clock_now())
        return thread_is_killed(thread) ? ZX_ERR_CANCELED : ZX_ERR_TIMED_OUT;
    timer_arm(&thread->park_timer, deadline);
    zx_status_t status = park(thread, PARK_KILLABLE, true);
    timer_cancel(&thread->park_timer);
    atomic_store_explicit(&thread->has_timed_out, false, memory_order_relaxed);
    return status;
}

zx_status_t thread_park(zx_time_t deadline) {
    struct thread* thread = thread_current();
    if (unlikely(deadline != ZX_TIME_INFINITE))
        return park_until(thread, deadline);
    return park(thread, PARK_KILLABLE, false);
}

void thread_park_uninterruptible(void) {
    (void)park(thread_current(), PARK_WAITING, false);
}

/* Leaves the token; whether the thread waited for it, and is claimed. */
static inline bool leave_token(struct thread* thread) {
    ASSERT(preempt_depth() > 0 || !interrupts_are_enabled());
    turn_point();
    return atomic_exchange(&thread->park, PARK_TOKEN) >= PARK_WAITING;
}

void thread_unpark(struct thread* thread) {
    if (!leave_token(thread))
        return;
    turn_point();
    if (unlikely(thread_current()->is_handing_over))
        wake_as_successor(thread, false);
    else
        sched_wake(thread);
}

void thread_unpark_at_once(struct thread* thread) {
    if (likely(leave_token(thread)))
        wake_as_successor(thread, true);
}

/* An interrupt handler unparks in its own name, not in that of the thread it interrupted: nobody it
 * wakes becomes that thread's successor. */
bool interrupt_begin(void) {
    struct thread* thread = thread_current();
    bool was_handing_over = thread->is_handing_over;
    thread->is_handing_over = false;
    return was_handing_over;
}

void interrupt_end(bool was_handing_over) {
    thread_current()->is_handing_over = was_handing_over;
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
