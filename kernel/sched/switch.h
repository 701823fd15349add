/* The switch from the running thread to the next one. Inline: it is on the way of each call that
 * blocks, and saves all registers anyway. Only kernel/sched includes this.
 *
 * This CPU's run queue is locked, and interrupts are off, from before the running thread's state is
 * changed until the next one has its stack: see sched.c. */
#pragma once

#include <arch/context_switch.h>
#include <arch/turns.h>
#include <debug/panic.h>
#include <lock/preempt.h>
#include <mm/aspace.h>
#include <sched/run_queue.h>
#include <sched/sched_cpu.h>

/* sched.c. Nobody is ready. */
struct thread* sched_become_idle_locked(struct sched_cpu* sched);
/* What was popped is a bookmark. There is at most one of each CPU. */
struct thread* sched_choose_past_bookmark_locked(struct sched_cpu* sched, struct thread* bookmark);
/* Somebody more urgent than the successor is ready; or it may not run here any more, and is moved
 * when it is switched away from. */
struct thread* sched_choose_beside_locked(struct sched_cpu* sched, struct thread* successor);
void sched_start_slice_locked(struct sched_cpu* sched);
/* From a kernel thread to a program's. */
void sched_leave_kernel_aspace(struct cpu* cpu, struct aspace* aspace);
/* Of a switch from a DEAD or MOVING thread: the lock is dropped. */
void sched_bury_or_place(struct sched_cpu* here, struct thread* previous);
/* There are dead threads. Nothing is held, even where this is the end of an interrupt. */
void sched_reap(void);

/* The claimed thread belongs to `sched`, which is locked, from here on; whether it may run there.
 * Whoever changes an affinity does that first and then looks where the thread is: so either it is
 * found here, or this sees the change. */
static ALWAYS_INLINE bool sched_move_locked(struct thread* thread, struct sched_cpu* sched) {
    (void)__atomic_exchange_n(&thread->sched, sched, __ATOMIC_SEQ_CST);
    return likely(__atomic_load_n(&thread->affinity, __ATOMIC_RELAXED) & sched->mask);
}

/* The claimed thread becomes the running one's successor; or ready, where it cannot be that.
 * `at_once`: the running thread makes way for it. Preemption is off.
 *
 * No lock is needed: nobody else touches who was claimed, nor this thread's successor but an
 * interrupt on this CPU. A thread that belongs to this CPU has left it long since; one of another
 * CPU may be about to, with the lock there held. */
static ALWAYS_INLINE void wake_as_successor(struct thread* thread, bool at_once) {
    struct cpu* cpu = this_cpu();
    struct thread* running = cpu->current;
    struct thread* none = NULL;
    if (unlikely(!(thread->affinity & cpu->mask) || thread->priority < running->priority ||
                 !atomic_compare_exchange_strong(&running->successor, &none, thread))) {
        sched_wake(thread);
        return;
    }
    if (unlikely(thread->sched != cpu->sched))
        spin_wait_for_holder(&thread->sched->lock);
    if (at_once && likely(!running->is_handing_over))
        cpu->preempt_count &= ~PREEMPT_NOT_WANTED;
}

/* The first of those who are ready. */
static ALWAYS_INLINE struct thread* choose_ready_locked(struct sched_cpu* sched) {
    if (unlikely(sched->ready_bitmap == 0))
        return sched_become_idle_locked(sched);
    struct thread* next = queue_pop(sched);
    if (next->queued_as == QUEUED_FOR_A_SLICE) {
        sched->turns++;
        return next;
    }
    if (unlikely(next->queued_as == QUEUED_AS_BOOKMARK))
        return sched_choose_past_bookmark_locked(sched, next);
    next->queued_as = QUEUED_FOR_A_SLICE;
    sched->hand_overs++;
    return next;
}

/* Whom the running thread woke to run in its place does, unless somebody more urgent is ready. */
static ALWAYS_INLINE struct thread* choose_successor_locked(struct sched_cpu* sched,
                                                            struct thread* successor) {
    sched->hand_overs++;
    if (unlikely(!sched_move_locked(successor, sched) ||
                 sched->ready_bitmap >> successor->priority > 1))
        return sched_choose_beside_locked(sched, successor);
    return successor;
}

/* A kernel thread runs on whatever address space is loaded; aspace_release evicts it from CPUs that
 * only have it so. */
static ALWAYS_INLINE void switch_aspace(struct cpu* cpu, const struct thread* previous,
                                        const struct thread* next) {
    struct aspace* aspace = next->aspace;
    if (aspace == previous->aspace)
        return;
    if (likely(aspace && previous->aspace)) {
        cpu->active_aspace = aspace;
        page_table_exchange(aspace_page_table(previous->aspace), aspace_page_table(aspace),
                            cpu->mask);
    } else if (aspace) {
        sched_leave_kernel_aspace(cpu, aspace);
    }
}

/* The first thing in the thread that was switched to: the lock its predecessor took is released. */
static ALWAYS_INLINE void finish_switch(struct sched_cpu* here, struct thread* previous) {
    if (unlikely(previous->state >= THREAD_MOVING))
        sched_bury_or_place(here, previous);
    else
        spin_unlock_inner(&here->lock);
}

/* The next one may be the same again. Answers `previous`, which is running again, perhaps on
 * another CPU: its caller has nothing in registers any more. */
static ALWAYS_INLINE struct thread* switch_and_unlock(struct cpu* cpu, struct sched_cpu* sched,
                                                      struct thread* previous) {
    ASSERT(preempt_depth() == 0); /* interrupts are off: the run queue's lock does not count */
    cpu->preempt_count |= PREEMPT_NOT_WANTED;
    struct thread* next = atomic_load_explicit(&previous->successor, memory_order_relaxed);
    if (next) {
        atomic_store_explicit(&previous->successor, NULL, memory_order_relaxed);
        next = choose_successor_locked(sched, next);
    } else {
        next = choose_ready_locked(sched);
    }
    if (unlikely(!sched->is_slice_armed) && sched->ready_bitmap >> next->priority & 1)
        sched_start_slice_locked(sched);
    next->state = THREAD_RUNNING;
    sched->running = next;
    turn_note_switch(next);
    cpu->current = next;
    switch_aspace(cpu, previous, next);
    struct thread_context* left;
    struct thread_context* resumed =
        context_switch(cpu, &previous->context, &next->context, (uint64_t)next->stack_top, &left);
    struct sched_cpu* here = sched_here();
    finish_switch(here, (struct thread*)left);
    if (unlikely(!list_is_empty(&here->dead)))
        sched_reap();
    return (struct thread*)resumed;
}
