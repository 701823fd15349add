/* The scheduler's data of one CPU. Only kernel/sched looks inside.
 *
 * Rules for struct sched_cpu:
 * - `lock` guards the queues, and the state of each thread that belongs to this CPU.
 * - No code holds two run queue locks at once.
 * - Fields without a lock are touched by this CPU only, with interrupts off, unless they are
 *   atomic. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <arch/cpu.h>
#include <lib/list.h>
#include <lock/spinlock.h>
#include <sched/thread_state.h>
#include <sched/timer.h>

/* The progress of an idle CPU's look at the ready threads of other CPUs: see help.c. Only the idle
 * CPU itself touches this. */
struct look {
    uint32_t turn;            /* which other CPU, counted from this one; 0: no look is under way */
    uint32_t call;            /* one bit for each CPU that the call named which started this look */
    struct sched_cpu* victim; /* the CPU whose queue may hold the bookmark */
    uint64_t queues_left;     /* one bit for each of the victim's queues that is not finished yet */
};

struct sched_cpu {
    /* thread.run_node; first, so that its offsets are short */
    struct list queues[THREAD_PRIORITY_COUNT];
    /* Class RUN_QUEUE. */
    _Alignas(CACHE_LINE_SIZE) struct spinlock lock;
    uint32_t number;
    uint32_t mask;         /* bit `number` */
    uint64_t ready_bitmap; /* bit p: queues[p] is not empty */
    bool is_slice_armed;
    struct thread* idle;
    struct thread* running;
    uint64_t turns;      /* switches to a thread that begins a slice of its own */
    uint64_t hand_overs; /* switches to a thread that goes on in its predecessor's slice */
    uint64_t turns_at_slice_start;
    struct timer slice_timer;
    struct timer help_timer;
    /* one bit for each CPU that may run a thread for which the help timer runs; 0: it does not */
    uint32_t help_wanted;
    /* not 0: this CPU is called, and looks at the others when idle; see help_call */
    _Atomic uint32_t called;
    struct look look;
};

extern struct sched_cpu sched_cpus[CPU_MAX];

/* Returns this CPU's data. Interrupts or preemption are off. */
static inline struct sched_cpu* sched_here(void) {
    return this_cpu()->sched;
}
