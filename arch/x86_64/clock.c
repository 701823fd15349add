/* The time stamp counter is the clock; the local APIC's countdown is the alarm. The board measures
 * both once (arch/pc/timers.c). */
#include <arch/clock.h>

#include <abi/types.h>
#include <arch/local_apic.h>
#include <lib/compiler.h>

#include "cpu_internal.h"

#define NANOSECONDS_PER_SECOND 1000000000ul
/* nanoseconds = ticks * multiplier / 2^32; timer counts = nanoseconds * multiplier / 2^32. */
static uint64_t nanoseconds_per_tick;
static uint64_t timer_counts_per_nanosecond;
static uint64_t ticks_per_second;

/* boot.S: time begins with the kernel's first instruction. */
extern const uint64_t boot_entry_ticks;

static uint64_t scale(uint64_t value, uint64_t multiplier) {
    return (uint64_t)((unsigned __int128)value * multiplier >> 32);
}

zx_time_t clock_now(void) {
    return (zx_time_t)scale(timestamp_read() - boot_entry_ticks, nanoseconds_per_tick);
}

uint64_t clock_ticks(void) {
    return timestamp_read();
}

uint64_t clock_ticks_per_second(void) {
    return ticks_per_second;
}

void clock_set_rates(uint64_t ticks, uint64_t timer_counts, uint64_t nanoseconds) {
    nanoseconds_per_tick = (nanoseconds << 32) / ticks;
    timer_counts_per_nanosecond = (timer_counts << 32) / nanoseconds;
    ticks_per_second = ticks * NANOSECONDS_PER_SECOND / nanoseconds;
}

/* --- the alarm ----------------------------------------------------------------------------- */

/* If the deadline is beyond the range of the countdown, the timer fires early. The timer heap then
 * sets it again. */
void clock_set_timer(zx_time_t deadline) {
    if (deadline == ZX_TIME_INFINITE) {
        local_apic_timer_start(0);
        return;
    }
    zx_time_t now = clock_now();
    uint64_t nanoseconds = deadline > now ? (uint64_t)(deadline - now) : 0;
    uint64_t counts = scale(nanoseconds, timer_counts_per_nanosecond);
    local_apic_timer_start((uint32_t)MAX(MIN(counts + 1, UINT32_MAX), 1ul));
}
