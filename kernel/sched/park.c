/* Parking. Its whole state is one word, thread.park, and each step is one atomic operation on it.
 * The races, and what closes them (the numbers stand at the lines):
 *
 * 1. Unpark against block. An unpark before the block leaves a token in the word, so the block's
 *    compare-exchange fails and the thread does not block. An unpark after it finds WAITING or
 *    KILLABLE, and its exchange claims the thread.
 * 2. Several wakers at once. Each tries to change the word; only the first one finds the thread
 *    waiting, so only one claims it.
 * 3. A kill or a deadline against the block. The waker first writes the reason (pending_work,
 *    has_timed_out), then claims the thread if it waits. The thread first says that it waits, then
 *    looks for reasons. So at least one of the two sees the other. If both do, the thread tries to
 *    take its word back by a compare-exchange. If that fails, the waker has claimed the thread; the
 *    thread blocks and is made ready at once.
 * 4. A claim while the thread still leaves its CPU. The thread says that it waits with its run
 *    queue locked. The lock stays held until its registers are saved, and the claimer takes the
 *    lock before the thread can run.
 * 5. A late timer. The timer is cancelled before thread_park returns, so it never meets another
 *    wait, or a thread that no longer exists. */
#include <sched/park.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/turns.h>
#include <arch/upcalls.h>
#include <debug/panic.h>
#include <lock/spinlock.h>
#include <sched/sched_cpu.h>
#include <sched/sched_internal.h>

/* Takes the running thread's own token. The exchange is also a barrier: all that the unparker wrote
 * before is visible from here on. */
static inline bool take_token(struct thread* thread) {
    turn_point();
    return atomic_exchange(&thread->park, PARK_NONE) == PARK_TOKEN;
}

/* Blocks, unless there is a token or another reason not to. Returns the thread, which may run on
 * another CPU now. */
static ALWAYS_INLINE struct thread* block(struct thread* thread, uint32_t how, bool has_deadline) {
    uint32_t none = PARK_NONE, waits = how;
    struct cpu* cpu = this_cpu();
    struct sched_cpu* sched = cpu->sched;
    spin_lock_inner(&sched->lock); /* 4: held until the registers are saved */
    if (!atomic_compare_exchange_strong(&thread->park, &none, how)) /* 1 */
        goto stay;
    turn_point();
    if ((how == PARK_KILLABLE && unlikely(thread_is_killed(thread))) ||
        (has_deadline && atomic_load(&thread->has_timed_out))) {
        turn_point();
        if (atomic_compare_exchange_strong(&thread->park, &waits, PARK_NONE)) /* 3 */
            goto stay;
    }
    thread->state = THREAD_BLOCKED;
    return switch_and_unlock(cpu, sched, thread);

stay:
    spin_unlock_inner(&sched->lock);
    return thread;
}

/* A token or a reason ends the loop. Otherwise a waker has claimed the thread, but its reason is
 * gone by now; the thread blocks again. */
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
    timer_cancel(&thread->park_timer); /* 5 */
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

/* Leaves the token. True: the thread was waiting, and the caller has claimed it. */
static inline bool leave_token(struct thread* thread) {
    ASSERT(preempt_depth() > 0 || !interrupts_are_enabled());
    turn_point();
    return atomic_exchange(&thread->park, PARK_TOKEN) >= PARK_WAITING; /* 1, 2 */
}

void thread_unpark(struct thread* thread) {
    ASSERT(this_cpu()->interrupt_depth == 0 || !thread_current()->is_handing_over);
    if (!leave_token(thread))
        return;
    turn_point();
    if (thread_current()->is_handing_over)
        wake_as_successor(thread, false);
    else
        sched_wake(thread);
}

void thread_unpark_at_once(struct thread* thread) {
    if (leave_token(thread))
        wake_as_successor(thread, true);
}

/* The running thread did not block, so its successor is queued like any other thread. */
void thread_hand_over_give_up(void) {
    preempt_disable(); /* no other CPU can run the successor until it is queued */
    struct thread* successor = atomic_exchange(&thread_current()->successor, NULL);
    if (successor)
        sched_place(successor);
    preempt_enable();
}

/* An interrupt handler may unpark threads too. The interrupted thread has nothing to do with them,
 * so they must not become its successors. */
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
    zx_status_t status;
    while ((status = thread_park(deadline)) == ZX_OK)
        ;
    return status == ZX_ERR_TIMED_OUT ? ZX_OK : status;
}
