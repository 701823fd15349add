/* The private half of sched.h, for kernel/sched only: making threads ready, and the switch from the
 * running thread to the next one. The switch is inline because every call that blocks runs it.
 *
 * Interrupts are off from before the running thread's state changes until the next thread runs on
 * its own stack. This CPU's run queue lock is held for the same time: see the top of sched.c. */
#pragma once

#include <arch/context_switch.h>
#include <arch/preempt.h>
#include <arch/turns.h>
#include <debug/panic.h>
#include <mm/aspace.h>
#include <sched/run_queue.h>
#include <sched/sched_cpu.h>

/* Makes a thread ready that the caller has claimed (thread_state.h: enum park_state), or that
 * never ran. Preemption or interrupts are off; no run queue lock is held. */
void sched_wake(struct thread* thread);
/* Chooses a CPU that may run the thread, and queues it there. The thread is claimed or MOVING. */
void sched_place(struct thread* thread);
/* Switches to the next thread. The caller holds the lock of `sched` and has set the running
 * thread's state. The lock is dropped; interrupts are off, and stay off. */
void sched_switch_and_unlock(struct sched_cpu* sched);
/* Moves a thread to a CPU its affinity allows, if it is not on one. */
void sched_apply_affinity(struct thread* thread);
/* Gives the thread the priority `wanted`. A killed thread keeps the priority that the kill gave it.
 */
void sched_change_priority(struct thread* thread, uint32_t wanted);

/* --- the switch ---------------------------------------------------------------------------------
 */

/* Called when no thread is ready. Returns the idle thread. */
struct thread* sched_become_idle_locked(struct sched_cpu* sched);
/* The popped thread is a bookmark: drops it and chooses again. Each CPU has at most one bookmark,
 * so the recursion ends. */
struct thread* sched_choose_past_bookmark_locked(struct sched_cpu* sched, struct thread* bookmark);
/* The successor cannot simply run next: a more urgent thread is ready, or the successor may no
 * longer run on this CPU. In the second case the successor runs for a moment, and is moved when the
 * CPU switches away from it. */
struct thread* sched_choose_beside_locked(struct sched_cpu* sched, struct thread* successor);
/* Starts the timer of this CPU's slice. */
void sched_start_slice_locked(struct sched_cpu* sched);
/* Loads a program's address space after a kernel thread has run. */
void sched_leave_kernel_aspace(struct cpu* cpu, struct aspace* aspace);
/* Finishes a switch away from a DEAD or MOVING thread: drops the lock, and hands the thread to the
 * cleaner or to its new CPU. */
void sched_bury_or_place(struct sched_cpu* here, struct thread* previous);

/* Makes the claimed thread the successor of the running thread, or makes it ready as usual if it
 * cannot be its successor. `at_once`: the running thread makes way as soon as preemption is on.
 * Preemption is off.
 *
 * No lock is needed:
 * 1. No other CPU touches a claimed thread.
 * 2. Only the running thread and interrupts on this CPU write its `successor`. The compare-exchange
 *    is one step for these interrupts too.
 * 3. A claimed thread of another CPU may not have left that CPU yet. Then that CPU holds its run
 *    queue lock until the registers are saved, so this function waits until the lock is free. */
static ALWAYS_INLINE void wake_as_successor(struct thread* thread, bool at_once) {
    struct cpu* cpu = this_cpu();
    struct thread* running = cpu->current;
    struct thread* none = NULL;
    if (!(thread->affinity & cpu->mask) || thread->priority < running->priority ||
        !atomic_compare_exchange_strong(&running->successor, &none, thread)) { /* 2 */
        sched_wake(thread);
        return;
    }
    if (thread->sched != cpu->sched)
        spin_wait_for_holder(&thread->sched->lock); /* 3 */
    if (at_once && !running->is_handing_over)
        cpu->preempt_count &= ~PREEMPT_NOT_WANTED;
}

/* Takes the most urgent ready thread out of its queue. */
static ALWAYS_INLINE struct thread* choose_ready_locked(struct sched_cpu* sched) {
    if (sched->ready_bitmap == 0)
        return sched_become_idle_locked(sched);
    struct thread* next = queue_pop(sched);
    if (next->queued_as == QUEUED_FOR_A_SLICE) {
        sched->turns++;
        return next;
    }
    if (next->queued_as == QUEUED_AS_BOOKMARK)
        return sched_choose_past_bookmark_locked(sched, next);
    next->queued_as = QUEUED_FOR_A_SLICE;
    sched->hand_overs++;
    return next;
}

/* The successor runs next, unless a more urgent thread is ready. */
static ALWAYS_INLINE struct thread* choose_successor_locked(struct sched_cpu* sched,
                                                            struct thread* successor) {
    if (!sched_move_locked(successor, sched) || sched->ready_bitmap >> successor->priority > 1)
        return sched_choose_beside_locked(sched, successor);
    sched->hand_overs++;
    return successor;
}

/* A kernel thread runs on the address space that is loaded. So a CPU may keep the tables of a
 * program that has ended: aspace_release evicts them there. */
static ALWAYS_INLINE void switch_aspace(struct cpu* cpu, const struct thread* previous,
                                        const struct thread* next) {
    struct aspace* aspace = next->aspace;
    if (aspace == previous->aspace)
        return;
    if (aspace && previous->aspace) {
        cpu->active_aspace = aspace;
        page_table_exchange(aspace_page_table(previous->aspace), aspace_page_table(aspace),
                            cpu->mask);
    } else if (aspace) {
        sched_leave_kernel_aspace(cpu, aspace);
    }
}

/* The first thing that the new thread does: it releases the lock that its predecessor took. */
static ALWAYS_INLINE void finish_switch(struct sched_cpu* here, struct thread* previous) {
    if (unlikely(previous->state >= THREAD_MOVING))
        sched_bury_or_place(here, previous);
    else
        spin_unlock_inner(&here->lock);
}

/* Switches to the chosen thread, which may be the same one. Returns `previous` when that thread
 * runs again, perhaps on another CPU. The caller must use this return value: the switch saves no
 * registers, so no variable of the caller survives in one. */
static ALWAYS_INLINE struct thread* switch_to_and_unlock(struct cpu* cpu, struct sched_cpu* sched,
                                                         struct thread* previous,
                                                         struct thread* next) {
    ASSERT(preempt_depth() == 0); /* interrupts are off: the run queue's lock does not count */
    cpu->preempt_count |= PREEMPT_NOT_WANTED;
    if (!sched->is_slice_armed && sched->ready_bitmap >> next->priority & 1)
        sched_start_slice_locked(sched);
    next->state = THREAD_RUNNING;
    sched->running = next;
    turn_note_switch(next);
    cpu->current = next;
    switch_aspace(cpu, previous, next);
    struct thread_context* left;
    struct thread_context* resumed =
        context_switch(cpu, &previous->context, &next->context, (uint64_t)next->stack_top, &left);
    finish_switch(sched_here(), (struct thread*)left);
    return (struct thread*)resumed;
}

/* Chooses the next thread and switches to it. */
static ALWAYS_INLINE struct thread* switch_and_unlock(struct cpu* cpu, struct sched_cpu* sched,
                                                      struct thread* previous) {
    struct thread* next = atomic_load_explicit(&previous->successor, memory_order_relaxed);
    if (next) {
        atomic_store_explicit(&previous->successor, NULL, memory_order_relaxed);
        next = choose_successor_locked(sched, next);
    } else {
        next = choose_ready_locked(sched);
    }
    return switch_to_and_unlock(cpu, sched, previous, next);
}
