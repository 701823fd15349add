/* Time: a monotonic clock in nanoseconds and one one-shot timer per CPU. */
#pragma once

#include <abi/types.h>

zx_time_t clock_now(void);  /* nanoseconds since the kernel's clock was started */
uint64_t clock_ticks(void); /* raw time stamp counter */
uint64_t clock_ticks_per_second(void);

/* Asks for timer_interrupt() at `deadline` on this CPU; ZX_TIME_INFINITE: never. Interrupts off. */
void clock_set_timer(zx_time_t deadline);

/* How fast the time stamp counter and the local APIC's timer are: what each counted in
 * `nanoseconds`. For the board, once; until then the time is 0. */
void clock_set_rates(uint64_t ticks, uint64_t timer_counts, uint64_t nanoseconds);

/* Spins; for hardware bring-up only. */
void clock_busy_wait(zx_duration_t duration);
