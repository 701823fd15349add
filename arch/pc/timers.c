/* The timers of known rate, HPET and PIT. One of them is used, once, to measure the time stamp
 * counter and the local APIC's timer. */
#include <arch/clock.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <debug/log.h>
#include <mm/device_map.h>

#include "pc_internal.h"
#include "port.h"

#define FEMTOSECONDS_PER_NANOSECOND 1000000ul
#define CALIBRATION_NANOSECONDS 1000000ul
#define SAMPLE_TRIES 8

#define HPET_CAPABILITIES 0 /* as 64-bit words */
#define HPET_CONFIGURATION 2
#define HPET_COUNTER 30
#define HPET_ENABLE 1ul

#define PIT_PERIOD 838095110ul /* femtoseconds, at 1,193,182 Hz */
#define PIT_COUNT_MAX 0xfffful
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND 0x43
#define PIT_COMMAND_CHANNEL_2_ONE_SHOT 0xb0
#define PIT_COMMAND_CHANNEL_2_LATCH 0x80
#define PIT_GATE 0x61
#define PIT_GATE_ON 0x01
#define PIT_SPEAKER_ON 0x02
#define PIT_OUTPUT 0x20

static volatile uint64_t* hpet;

static uint64_t read_hpet(void) {
    return hpet[HPET_COUNTER];
}

static uint64_t read_pit(void) {
    port_write8(PIT_COMMAND, PIT_COMMAND_CHANNEL_2_LATCH);
    uint64_t low = port_read8(PIT_CHANNEL_2);
    return PIT_COUNT_MAX - (low | (uint64_t)port_read8(PIT_CHANNEL_2) << 8);
}

/* The timer of known rate: it counts up. */
static struct {
    const char* name;
    uint64_t (*read)(void);
    uint64_t period; /* of one count, in femtoseconds */
} reference = {"PIT", read_pit, PIT_PERIOD};

/* The three timers, read at one moment. */
struct sample {
    uint64_t ticks, timer_counts, reference;
};

/* On a virtual machine, milliseconds may pass between any two instructions. So several samples are
 * taken. The best one is the sample that took the least time to read. */
static struct sample take_sample(void) {
    struct sample best = {0};
    uint64_t shortest = UINT64_MAX;
    for (int i = 0; i < SAMPLE_TRIES; i++) {
        struct sample sample;
        uint64_t before = clock_ticks();
        sample.reference = reference.read();
        sample.timer_counts = UINT32_MAX - local_apic_timer_remaining();
        uint64_t passed = clock_ticks() - before;
        sample.ticks = before + passed / 2;
        if (passed < shortest) {
            shortest = passed;
            best = sample;
        }
    }
    return best;
}

/* Returns how far each timer counted in a time of at least CALIBRATION_NANOSECONDS. */
static struct sample measure(void) {
    uint64_t wanted = CALIBRATION_NANOSECONDS * FEMTOSECONDS_PER_NANOSECOND / reference.period;
    local_apic_timer_start(UINT32_MAX);
    struct sample start = take_sample(), end;
    do {
        end = take_sample();
    } while (end.reference - start.reference < wanted);
    local_apic_timer_start(0);
    return (struct sample){
        .ticks = end.ticks - start.ticks,
        .timer_counts = end.timer_counts - start.timer_counts,
        .reference = end.reference - start.reference,
    };
}

/* Returns false if there is no HPET. */
static bool use_hpet(uint64_t address) {
    hpet = address != 0 ? device_map(physical_address(address), PAGE_SIZE) : NULL;
    uint64_t period = hpet ? hpet[HPET_CAPABILITIES] >> 32 : 0;
    if (period == 0)
        return false;
    hpet[HPET_CONFIGURATION] |= HPET_ENABLE;
    reference.name = "HPET";
    reference.read = read_hpet;
    reference.period = period;
    return true;
}

/* Channel 2 counts down once while its gate is on. Its output, a bit of the gate's port, is set
 * when the count has reached its end. Then the measurement took too long, and is repeated. */
static struct sample measure_by_pit(void) {
    struct sample passed;
    do {
        port_write8(PIT_GATE, (uint8_t)(port_read8(PIT_GATE) & ~(PIT_GATE_ON | PIT_SPEAKER_ON)));
        port_write8(PIT_COMMAND, PIT_COMMAND_CHANNEL_2_ONE_SHOT);
        port_write8(PIT_CHANNEL_2, (uint8_t)PIT_COUNT_MAX);
        port_write8(PIT_CHANNEL_2, (uint8_t)(PIT_COUNT_MAX >> 8));
        port_write8(PIT_GATE, (uint8_t)(port_read8(PIT_GATE) | PIT_GATE_ON));
        passed = measure();
    } while (port_read8(PIT_GATE) & PIT_OUTPUT);
    return passed;
}

void clock_calibrate(uint64_t hpet_address) {
    struct sample passed = use_hpet(hpet_address) ? measure() : measure_by_pit();
    uint64_t nanoseconds = passed.reference * reference.period / FEMTOSECONDS_PER_NANOSECOND;
    clock_set_rates(passed.ticks, passed.timer_counts, nanoseconds);
    log_debug("time stamp at %lu MHz, timer at %lu MHz, by %s", clock_ticks_per_second() / 1000000,
              passed.timer_counts * 1000 / nanoseconds, reference.name);
}
