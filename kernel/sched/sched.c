/* Choosing the thread that runs.
 *
 * A thread belongs to one CPU (`thread->sched`), whose run queue lock guards its state. The lock is
 * held over the switch itself and released by the thread that is switched to. So code that gets the
 * lock and finds a thread blocked or ready knows that its registers are saved.
 *
 * A thread on its way from one CPU to another is MOVING: it is in no queue, and only its mover
 * touches it. The same holds for a claimed thread (thread_state.h: enum park_state), which stays
 * BLOCKED until it is queued or runs. Only the mover or claimer changes `thread->sched`, with the
 * lock of the new CPU held.
 *
 * Interrupts are off wherever a run queue lock is held, which keeps preemption off as well. */
#include <sched/sched.h>

#include <stdatomic.h>

#include <arch/clock.h>
#include <arch/interrupt.h>
#include <arch/preempt.h>
#include <arch/turns.h>
#include <arch/upcalls.h>
#include <debug/panic.h>
#include <lib/compiler.h>
#include <sched/help.h>
#include <sched/run_queue.h>
#include <sched/sched_cpu.h>
#include <sched/sched_internal.h>
#include <sched/timer.h>

#define SLICE_NANOSECONDS 10000000l

static const struct burial_ops* burial; /* see sched_init_cpu; the same on all CPUs */

static void want_reschedule(void) {
    this_cpu()->preempt_count &= ~PREEMPT_NOT_WANTED;
}

/* Makes the CPU of `sched` choose a thread again. */
static void tell_to_reschedule(const struct sched_cpu* sched) {
    if (sched->number == cpu_number())
        want_reschedule();
    else
        ipi_reschedule(sched->number);
}

/* --- time slices ------------------------------------------------------------------------------ */

/* The slice timer is started when a thread waits behind a running one of the same priority. It is
 * not restarted at a switch: a thread that began to run after the timer started gets one whole
 * period more. So a slice lasts between one and two periods, and a switch costs nothing for it. */
void sched_start_slice_locked(struct sched_cpu* sched) {
    sched->is_slice_armed = true;
    sched->turns_at_slice_start = sched->turns;
    timer_arm(&sched->slice_timer, clock_now() + SLICE_NANOSECONDS);
}

/* The callback of the slice timer, with interrupts off. */
static void slice_ended(struct timer* timer) {
    struct sched_cpu* sched = CONTAINER_OF(timer, struct sched_cpu, slice_timer);
    spin_lock(&sched->lock);
    sched->is_slice_armed = false;
    struct thread* running = sched->running;
    if (running != sched->idle && sched->ready_bitmap >> running->priority != 0) {
        if (sched->turns == sched->turns_at_slice_start)
            want_reschedule();
        sched_start_slice_locked(sched);
        help_equals_locked(sched);
    }
    spin_unlock(&sched->lock);
}

/* --- becoming ready --------------------------------------------------------------------------- */

/* Called when `thread` has just been queued at `sched`, which is locked. Notifies the CPU that
 * should run it. If several threads outrank the running one, all but the first need help (help.h,
 * step 3). */
static NOINLINE void notify_locked(struct sched_cpu* sched, const struct thread* thread) {
    const struct thread* running = sched->running;
    if (running == sched->idle) {
        tell_to_reschedule(sched); /* leave_idle looks for helpers */
        return;
    }
    if (thread->priority > running->priority) {
        tell_to_reschedule(sched);
        help_all_but_first_locked(sched, ~1ul << running->priority);
        return;
    }
    uint32_t helpers = idle_cpus_for(thread);
    help_locked(sched, thread->affinity);
    /* Only the CPU itself can arm its timer. */
    if (thread->priority == running->priority && !sched->is_slice_armed) {
        if (sched->number == cpu_number())
            sched_start_slice_locked(sched);
        else if (!helpers)
            ipi_reschedule(sched->number);
    }
}

/* Queues a thread that this CPU may run. Usually no CPU has to be notified: the thread waits behind
 * an equal whose slice is being timed, and no CPU is idle, this one included. */
static inline void make_ready_locked(struct sched_cpu* sched, struct thread* thread) {
    queue_push(sched, thread, false);
    if (unlikely(!sched->is_slice_armed || thread->priority > sched->running->priority ||
                 idle_cpus_for(thread)))
        notify_locked(sched, thread);
}

/* Returns an idle CPU if the thread may run on one, else the first CPU that it may run on. A thread
 * whose mask has no online CPU runs anywhere. */
static uint32_t choose_cpu(const struct thread* thread) {
    uint32_t online = cpu_online_mask();
    uint32_t allowed = thread->affinity & online;
    uint32_t idle = allowed & atomic_load_explicit(&idle_cpus, memory_order_relaxed);
    return (uint32_t)__builtin_ctz(idle ? idle : allowed ? allowed : online);
}

/* Repeats if the affinity changed between the choice and the move (see sched_move_locked). */
void sched_place(struct thread* thread) {
    bool is_placed;
    do {
        struct sched_cpu* sched = &sched_cpus[choose_cpu(thread)];
        interrupt_state_t state = spin_lock_irqsave(&sched->lock);
        is_placed = sched_move_locked(thread, sched);
        if (is_placed)
            make_ready_locked(sched, thread);
        spin_unlock_irqrestore(&sched->lock, state);
    } while (!is_placed);
}

/* `thread->sched` is stable, because only the claimer moves a claimed thread. Once the lock is
 * taken, the thread's registers are saved (top of this file). */
void sched_wake(struct thread* thread) {
    struct sched_cpu* sched = thread->sched;
    interrupt_state_t state = interrupts_save_and_disable();
    spin_lock_inner(&sched->lock);
    bool is_allowed = thread->affinity & sched->mask;
    if (is_allowed)
        make_ready_locked(sched, thread);
    spin_unlock_inner(&sched->lock);
    interrupts_restore(state);
    if (!is_allowed)
        sched_place(thread);
}

/* --- switching: the unusual parts --------------------------------------------------------------
 */

/* The successor's affinity may no longer include this CPU. It cannot be moved here: that needs
 * another CPU's lock, and this CPU's is held. It cannot be queued here either: no CPU would look
 * for it in this queue. So it runs here for a moment. The interrupt that this CPU sends itself then
 * ends its turn, and requeue_and_switch moves it. */
struct thread* sched_choose_beside_locked(struct sched_cpu* sched, struct thread* successor) {
    if (!(__atomic_load_n(&successor->affinity, __ATOMIC_RELAXED) & sched->mask)) {
        ipi_reschedule(sched->number);
        sched->hand_overs++;
        return successor;
    }
    queue_push(sched, successor, true);
    help_locked(sched, successor->affinity);
    return choose_ready_locked(sched);
}

/* The bookmark's CPU sees that it was popped when it takes this run queue's lock. */
struct thread* sched_choose_past_bookmark_locked(struct sched_cpu* sched, struct thread* bookmark) {
    bookmark->run_node = (struct list_node){0};
    return choose_ready_locked(sched);
}

/* The bit is set before this CPU looks at the other queues: help.h, step 1. */
struct thread* sched_become_idle_locked(struct sched_cpu* sched) {
    atomic_fetch_or(&idle_cpus, sched->mask);
    return sched->idle;
}

void sched_leave_kernel_aspace(struct cpu* cpu, struct aspace* aspace) {
    struct aspace* active = cpu->active_aspace;
    if (active == aspace)
        return;
    cpu->active_aspace = aspace;
    page_table_switch(active ? aspace_page_table(active) : NULL, aspace_page_table(aspace));
}

/* The CPU has left the stack of `previous`, so a dead thread may be buried from here on. */
void sched_bury_or_place(struct sched_cpu* here, struct thread* previous) {
    spin_unlock_inner(&here->lock);
    if (previous->state == THREAD_DEAD)
        burial->bury_later(previous);
    else
        sched_place(previous);
}

void thread_first_run(struct thread_context* previous) {
    finish_switch(sched_here(), (struct thread*)previous);
}

void sched_switch_and_unlock(struct sched_cpu* sched) {
    switch_and_unlock(this_cpu(), sched, thread_current());
}

/* --- giving the CPU away ------------------------------------------------------------------------
 */

/* The running thread stays: no other thread should run instead. */
static void stay_and_unlock(struct sched_cpu* sched) {
    this_cpu()->preempt_count |= PREEMPT_NOT_WANTED;
    spin_unlock_inner(&sched->lock);
}

/* The idle thread leaves the CPU to a ready thread. It is not queued itself, and has no successor.
 */
static NOINLINE void leave_idle(struct cpu* cpu, struct sched_cpu* sched, struct thread* idle) {
    spin_lock_inner(&sched->lock);
    if (sched->ready_bitmap == 0) {
        stay_and_unlock(sched);
        return;
    }
    ASSERT(!idle->successor);
    help_leave_locked(sched);
    struct thread* next = choose_ready_locked(sched);
    if (sched->ready_bitmap != 0)
        help_ready_locked(sched);
    switch_to_and_unlock(cpu, sched, idle, next);
}

/* Queues the running thread, which makes way for a more urgent one. Looks for idle CPUs only after
 * that: a CPU that became idle before did not see the thread in the queue. */
static NOINLINE void queue_preempted(struct sched_cpu* sched, struct thread* thread) {
    queue_push(sched, thread, false);
    help_locked(sched, thread->affinity);
}

/* Lets another thread run; the running thread goes on later. Interrupts are off. */
static ALWAYS_INLINE void requeue_and_switch(void) {
    struct cpu* cpu = this_cpu();
    struct sched_cpu* sched = cpu->sched;
    struct thread* thread = thread_current();
    if (thread == sched->idle) {
        leave_idle(cpu, sched, thread);
        return;
    }
    spin_lock_inner(&sched->lock);
    /* Bit 0: equals. The bits above: more urgent threads. */
    uint64_t ready = sched->ready_bitmap >> thread->priority;
    if (!(thread->affinity & sched->mask)) {
        thread->state = THREAD_MOVING;
    } else if (thread->successor) {
        /* Queued in front, so it is first again when the successor blocks. */
        thread->queued_as = QUEUED_IN_A_SLICE;
        queue_push(sched, thread, true);
        help_locked(sched, thread->affinity);
    } else if (ready == 0) {
        stay_and_unlock(sched);
        return;
    } else if (unlikely(ready > 1)) {
        queue_preempted(sched, thread);
    } else {
        queue_push(sched, thread, false);
    }
    switch_and_unlock(cpu, sched, thread);
}

void thread_yield(void) {
    turn_point_always();
    interrupts_disable();
    requeue_and_switch();
    interrupts_enable();
}

/* With interrupts off no switch is possible here. The request stays. The end of the interrupt
 * handles it, or the next preempt_enable with interrupts on. */
void preempt_reschedule(void) {
    if (interrupts_are_enabled())
        thread_yield();
}

int64_t preempt_reschedule_and_return(int64_t value) {
    preempt_reschedule();
    return value;
}

void interrupt_preempt(void) {
    requeue_and_switch();
}

/* Another CPU queued a thread here, or wants this CPU to look for threads elsewhere, or has changed
 * the running thread's affinity. */
void reschedule_interrupt(void) {
    want_reschedule();
}

/* --- affinity and priority ---------------------------------------------------------------------
 */

/* Locks the run queue that `thread` belongs to, and reads the thread's state.
 *
 * A mover writes the thread's new CPU first, and makes it READY or RUNNING only afterwards. This
 * function reads the state first, and the CPU again afterwards. So if the state is READY or
 * RUNNING, it belongs to the locked run queue. */
static struct sched_cpu* lock_thread(const struct thread* thread, enum thread_state* thread_state,
                                     interrupt_state_t* state) {
    for (;;) {
        struct sched_cpu* sched = __atomic_load_n(&thread->sched, __ATOMIC_SEQ_CST);
        *state = spin_lock_irqsave(&sched->lock);
        *thread_state = __atomic_load_n(&thread->state, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&thread->sched, __ATOMIC_SEQ_CST) == sched)
            return sched;
        spin_unlock_irqrestore(&sched->lock, *state);
    }
}

void sched_apply_affinity(struct thread* thread) {
    interrupt_state_t state;
    enum thread_state thread_state;
    preempt_disable(); /* while the thread is MOVING, no other CPU can run it */
    struct sched_cpu* sched = lock_thread(thread, &thread_state, &state);
    bool is_allowed = thread->affinity & sched->mask;
    bool must_place = !is_allowed && thread_state == THREAD_READY;
    if (must_place) {
        queue_remove(sched, thread);
        thread->state = THREAD_MOVING;
    } else if (!is_allowed && thread_state == THREAD_RUNNING) {
        tell_to_reschedule(sched);
    } else if (thread_state == THREAD_READY) {
        help_locked(sched, thread->affinity); /* perhaps an idle CPU may run it from now on */
    }
    spin_unlock_irqrestore(&sched->lock, state);
    if (must_place)
        sched_place(thread);
    preempt_enable();
}

/* Returns the priority that the thread gets if the caller wants `wanted`. A kill overrides that:
 * see thread_kill. */
static uint32_t priority_due(const struct thread* thread, uint32_t wanted) {
    bool is_killed = atomic_load(&thread->context.pending_work) & THREAD_PENDING_KILL;
    return is_killed ? THREAD_PRIORITY_SYSTEM : wanted;
}

/* Two races, and what closes them:
 *
 * 1. The thread is queued or moved meanwhile. The priority is written first, and the thread's queue
 *    is looked for afterwards. So either this function finds the thread in a queue and moves it, or
 *    the code that queues it later reads the new priority.
 * 2. Several callers, one of them a kill. A kill sets pending_work before it calls this. Each
 *    caller writes a priority, then checks whether it is still the due one. The last one to write
 *    sees the kill. */
void sched_change_priority(struct thread* thread, uint32_t wanted) {
    interrupt_state_t state;
    enum thread_state thread_state;
    uint32_t priority;
    do {
        priority = priority_due(thread, wanted);
        (void)__atomic_exchange_n(&thread->priority, priority, __ATOMIC_SEQ_CST);
    } while (priority != priority_due(thread, wanted));
    struct sched_cpu* sched = lock_thread(thread, &thread_state, &state);
    priority = __atomic_load_n(&thread->priority, __ATOMIC_RELAXED);
    if (thread_state == THREAD_READY) {
        queue_remove(sched, thread);
        make_ready_locked(sched, thread);
    } else if (thread_state == THREAD_RUNNING && sched->ready_bitmap >> priority != 0) {
        tell_to_reschedule(sched); /* for an equal thread too: the slice timer may not be running */
    }
    spin_unlock_irqrestore(&sched->lock, state);
}

/* --- idling ------------------------------------------------------------------------------------
 */

/* Interrupts are off, so no thread becomes ready on this CPU between this check and the wait. */
static bool has_nothing_to_do(struct sched_cpu* sched) {
    return !help_others(sched, sched_place) && sched->ready_bitmap == 0 &&
           this_cpu()->preempt_count & PREEMPT_NOT_WANTED;
}

/* In the mode of arch/turns.h the last CPU that becomes idle must not halt. */
static void wait_for_interrupt(void) {
    if (turns_are_on && atomic_load(&idle_cpus) == cpu_online_mask())
        turn_wait_for_interrupt();
    else
        cpu_wait_for_interrupt();
}

/* No wake-up is lost: the bit in idle_cpus is set, and interrupts are off, before the last look
 * round. A thread that becomes ready after this look brings an interrupt, which ends the wait even
 * if it came before the wait began. So does the request for burials, which comes after all threads
 * that died here. */
void sched_idle(void) {
    struct sched_cpu* sched = sched_here();
    atomic_fetch_or(&idle_cpus, 1u << sched->number);
    for (;;) {
        interrupts_disable();
        burial->bury_soon();
        if (has_nothing_to_do(sched))
            wait_for_interrupt();
        interrupts_enable();
        thread_yield();
    }
}

/* --- beginning ---------------------------------------------------------------------------------
 */

void sched_init_cpu(struct thread* idle, const struct burial_ops* burial_ops) {
    struct cpu* cpu = this_cpu();
    struct sched_cpu* sched = &sched_cpus[cpu->number];
    spinlock_init(&sched->lock, LOCK_RUN_QUEUE);
    sched->number = cpu->number;
    sched->mask = cpu->mask;
    for (unsigned i = 0; i < THREAD_PRIORITY_COUNT; i++)
        list_init(&sched->queues[i]);
    timer_init_cpu();
    timer_init(&sched->slice_timer, slice_ended);
    timer_init(&sched->help_timer, help_is_due);
    sched->idle = idle;
    sched->running = idle;
    burial = burial_ops;
    cpu->current = idle;
    cpu->sched = sched;
}
