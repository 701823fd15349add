/* The scheduler: per-CPU run queues, a bitmap of 32 priorities each, round robin within one. */
#pragma once

#include <stdint.h>

/* Boot CPU: turns the running code into the idle thread of CPU 0. */
void sched_init(void);
/* The same on a secondary CPU, for that CPU. */
void sched_init_cpu(void);
/* Turns the caller into this CPU's idle loop. */
_Noreturn void sched_idle(void);
/* Called once on each CPU: starts its timer in the mode of arch/turns.h. In other modes it does
 * nothing. */
void sched_take_turns(void);
uint64_t sched_context_switches(void); /* over all CPUs */
