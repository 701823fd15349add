/* Time: a monotonic clock in nanoseconds and one one-shot timer per CPU. */
#pragma once

#include <abi/types.h>

zx_time_t clock_now(void);  /* nanoseconds since the first instruction of the kernel */
uint64_t clock_ticks(void); /* raw time stamp counter */
uint64_t clock_ticks_per_second(void);

/* Makes this CPU call timer_interrupt() at `deadline`, or never for ZX_TIME_INFINITE. Interrupts
 * off. */
void clock_set_timer(zx_time_t deadline);

/* Sets the rates of the time stamp counter and of the local APIC's timer. `ticks` and
 * `timer_counts` are how far each counted in `nanoseconds`. The board calls this once; before that
 * clock_now returns 0. */
void clock_set_rates(uint64_t ticks, uint64_t timer_counts, uint64_t nanoseconds);
