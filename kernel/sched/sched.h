/* The scheduler: a run queue for each CPU, with a list for each of 33 priorities. Threads of one
 * priority take turns. */
#pragma once

struct thread;

/* What happens to dead threads (thread.c). Both are called in any context, with no run queue lock
 * held. */
struct burial_ops {
    void (*bury_later)(struct thread* dead); /* the thread has left its CPU for good */
    void (*bury_soon)(void);                 /* a CPU is idle: a good moment */
};

/* Called once on each CPU: from here on the running code is the CPU's idle thread. */
void sched_init_cpu(struct thread* idle, const struct burial_ops* burial_ops);
/* Turns the caller into this CPU's idle loop. */
_Noreturn void sched_idle(void);
/* Called once on each CPU: starts its timer in the mode of arch/turns.h. In other modes it does
 * nothing. */
void sched_take_turns(void);
/* Lets another ready thread run first, if there is one as urgent as the caller. */
void thread_yield(void);
