/* The scheduler: per-CPU run queues, a bitmap of 32 priorities each, round robin within one. */
#pragma once

#include <stdint.h>

/* Boot CPU: makes the code that is running the idle-thread-to-be of CPU 0 and gives it a thread. */
void sched_init(void);
/* The same on a secondary CPU. */
void sched_init_cpu(void);
/* Turns the caller into this CPU's idle loop. */
_Noreturn void sched_idle(void);
/* On each CPU, once: starts its timer in the mode of arch/turns.h; else does nothing. */
void sched_take_turns(void);
uint64_t sched_context_switches(void); /* over all CPUs */
