/* The time stamp counter is the clock; the local APIC's countdown is the alarm. Both are measured
 * once against a timer of known speed: the HPET, or the old PIT. */
#include <arch/clock.h>

#include <abi/types.h>
#include <arch/cpu.h>
#include <arch/layout.h>
#include <debug/log.h>
#include <lib/compiler.h>
#include <mm/kernel_heap.h>

#include "cpu_internal.h"
#include "machine_internal.h"
#include "port.h"

#define NANOSECONDS_PER_SECOND 1000000000ul
#define FEMTOSECONDS_PER_NANOSECOND 1000000ul
#define CALIBRATION_NANOSECONDS 1000000ul

#define HPET_CAPABILITIES 0 /* as 64-bit words */
#define HPET_CONFIGURATION 2
#define HPET_COUNTER 30
#define HPET_ENABLE 1ul

#define PIT_FREQUENCY 1193182ul
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND 0x43
#define PIT_COMMAND_CHANNEL_2_ONE_SHOT 0xb0
#define PIT_GATE 0x61
#define PIT_GATE_ON 0x01
#define PIT_SPEAKER_ON 0x02
#define PIT_OUTPUT 0x20

/* nanoseconds = ticks * multiplier / 2^32; timer counts = nanoseconds * multiplier / 2^32. */
static uint64_t nanoseconds_per_tick;
static uint64_t timer_counts_per_nanosecond;
static uint64_t ticks_per_second;

extern const uint64_t
    boot_entry_ticks; /* boot.S: time begins with the kernel's first instruction */

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

/* --- calibration --------------------------------------------------------------------------- */

struct measurement {
    uint64_t ticks, timer_counts, nanoseconds;
};

static void measure_start(struct measurement* m) {
    local_apic_timer_start(UINT32_MAX);
    m->ticks = timestamp_read();
}

static void measure_stop(struct measurement* m, uint64_t nanoseconds) {
    m->ticks = timestamp_read() - m->ticks;
    m->timer_counts = UINT32_MAX - local_apic_timer_remaining();
    m->nanoseconds = nanoseconds;
    local_apic_timer_start(0);
}

static bool measure_by_hpet(uint64_t address, struct measurement* m) {
    volatile uint64_t* hpet = device_map(physical_address(address), PAGE_SIZE);
    if (!hpet)
        return false;
    uint64_t period = hpet[HPET_CAPABILITIES] >> 32; /* femtoseconds */
    if (period == 0)
        return false;
    hpet[HPET_CONFIGURATION] |= HPET_ENABLE;
    uint64_t wanted = CALIBRATION_NANOSECONDS * FEMTOSECONDS_PER_NANOSECOND / period;
    uint64_t start = hpet[HPET_COUNTER];
    uint64_t passed;
    measure_start(m);
    do {
        passed = hpet[HPET_COUNTER] - start;
    } while (passed < wanted);
    measure_stop(m, passed * period / FEMTOSECONDS_PER_NANOSECOND);
    return true;
}

/* Channel 2 counts down once while its gate is on; its output shows on the gate's port. */
static void measure_by_pit(struct measurement* m) {
    uint64_t counts = PIT_FREQUENCY * CALIBRATION_NANOSECONDS / NANOSECONDS_PER_SECOND;
    port_write8(PIT_GATE, (uint8_t)(port_read8(PIT_GATE) & ~(PIT_GATE_ON | PIT_SPEAKER_ON)));
    port_write8(PIT_COMMAND, PIT_COMMAND_CHANNEL_2_ONE_SHOT);
    port_write8(PIT_CHANNEL_2, (uint8_t)counts);
    port_write8(PIT_CHANNEL_2, (uint8_t)(counts >> 8));
    port_write8(PIT_GATE, (uint8_t)(port_read8(PIT_GATE) | PIT_GATE_ON));
    measure_start(m);
    while (!(port_read8(PIT_GATE) & PIT_OUTPUT))
        ;
    measure_stop(m, counts * NANOSECONDS_PER_SECOND / PIT_FREQUENCY);
}

void clock_calibrate(uint64_t hpet_address) {
    struct measurement m = {0};
    bool is_hpet = hpet_address != 0 && measure_by_hpet(hpet_address, &m);
    if (!is_hpet)
        measure_by_pit(&m);
    nanoseconds_per_tick = (m.nanoseconds << 32) / m.ticks;
    timer_counts_per_nanosecond = (m.timer_counts << 32) / m.nanoseconds;
    ticks_per_second = m.ticks * NANOSECONDS_PER_SECOND / m.nanoseconds;
    log_debug("time stamp at %lu MHz, timer at %lu MHz, by %s", ticks_per_second / 1000000,
              m.timer_counts * 1000 / m.nanoseconds, is_hpet ? "HPET" : "PIT");
}

/* --- the alarm ----------------------------------------------------------------------------- */

/* A deadline beyond the countdown's reach fires early; the timer heap then asks again. */
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

void clock_busy_wait(zx_duration_t duration) {
    uint64_t start = timestamp_read();
    while ((zx_duration_t)scale(timestamp_read() - start, nanoseconds_per_tick) < duration)
        cpu_relax();
}
