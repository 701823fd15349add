/* The scheduler: per-CPU run queues, a bitmap of 32 priorities each, round robin within one. */
#pragma once

#include <stdint.h>

struct thread;

/* On each CPU: the running code is its idle thread from here on. `reap` buries the dead threads of
 * the CPU that calls it, with interrupts on (thread.c). */
void sched_init_cpu(struct thread* idle, void (*reap)(void));
/* Turns the caller into this CPU's idle loop. */
_Noreturn void sched_idle(void);
/* Called once on each CPU: starts its timer in the mode of arch/turns.h. In other modes it does
 * nothing. */
void sched_take_turns(void);
/* Lets another ready thread run first, if there is one as urgent as the caller. */
void thread_yield(void);
uint64_t sched_context_switches(void); /* over all CPUs */
