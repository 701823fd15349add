/* What one CPU schedules. Only kernel/sched looks inside. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <arch/cpu.h>
#include <lib/heap.h>
#include <lib/list.h>
#include <lock/spinlock.h>
#include <sched/thread.h>
#include <sched/timer.h>

/* How far an idle CPU has got in looking at the ready threads of the others: see help.c. Only the
 * CPU itself touches this. */
struct look {
    uint32_t turn;            /* which of the others; 0: no look is under way */
    uint32_t call;            /* bit per CPU that was named by the call it answers */
    struct sched_cpu* victim; /* where the bookmark is, if it is in a queue */
    uint64_t queues_left;     /* bit per queue there that was not looked through */
};

struct sched_cpu {
    struct list queues[THREAD_PRIORITY_COUNT]; /* thread.run_node; first, for short addresses */
    /* RUN_QUEUE: guards the queues and the threads that belong to this CPU. */
    _Alignas(CACHE_LINE_SIZE) struct spinlock lock;
    uint32_t number;
    uint32_t mask;         /* bit `number` */
    uint64_t ready_bitmap; /* bit p: queues[p] is not empty */
    bool is_slice_armed;
    bool is_help_armed;
    struct thread* idle;
    struct thread* running;
    uint64_t turns;      /* switches to a thread that begins a slice of its own */
    uint64_t hand_overs; /* and to one that goes on in its predecessor's */
    uint64_t turns_at_slice_start;
    struct timer slice_timer;
    struct timer help_timer;
    uint32_t help_wanted;    /* bit per CPU that may run one of those who wait for the help timer */
    _Atomic uint32_t called; /* not 0: the idle CPU shall look round; see help_call */
    struct look look;

    struct list dead; /* threads to be reaped, with this CPU's interrupts off */

    struct spinlock timer_lock; /* TIMER: guards the two below */
    struct heap timers;
    struct timer* running_timer; /* whose callback is under way */
};

extern struct sched_cpu sched_cpus[CPU_MAX]; /* sched.c */

static inline struct sched_cpu* sched_of(uint32_t cpu) {
    return &sched_cpus[cpu];
}

/* Interrupts or preemption off. */
static inline struct sched_cpu* sched_here(void) {
    return this_cpu()->sched;
}

/* timer.c */
void timer_init_cpu(struct sched_cpu* sched);
/* sched.c: makes a thread ready that the caller claimed (thread.h: enum park_state), or that never
 * ran. Preemption is off, or interrupts are; no run queue lock held. */
void sched_wake(struct thread* thread);
/* Queues a claimed or MOVING thread at a CPU it may run on. */
void sched_place(struct thread* thread);
/* Gives the CPU away: the caller set the running thread's state, under `sched`'s lock. The lock is
 * dropped; interrupts are off, and stay so. */
void sched_switch_and_unlock(struct sched_cpu* sched);
/* Moves a thread to a CPU its affinity allows, if it is not on one. */
void sched_apply_affinity(struct thread* thread);
/* Unless it is killed, which decides its priority. */
void sched_change_priority(struct thread* thread, uint32_t wanted);
/* thread.c: drops the running reference of threads that have left this CPU for good. Interrupts on.
 */
void thread_reap(void);
