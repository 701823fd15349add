/* The choices of the seed. It also chooses how many points there are and how long a turn lasts:
 * some races need many short turns, others few long ones. */
#include <arch/turns.h>

#include <stdatomic.h>

#include <arch/clock.h>
#include <arch/cpu.h>

#include "cpu_internal.h"

#define DENSEST_POINTS 8u /* on average one point out of this many ends the turn */
#define DENSITIES 8u      /* each half as dense as the one before */
#define SHORTEST_TURN_NANOSECONDS 100000u
#define TURN_LENGTHS 4u /* each twice as long as the one before */
#define SHORT_WAIT_ROUNDS 3u
#define LONG_WAIT_ROUNDS 32u
#define LONG_WAIT_ONE_OF 16u

#define GOLDEN_RATIO 0x9e3779b97f4a7c15ul

bool turns_are_on;

static uint64_t seed;
static uint32_t points_between, longest_turn_nanoseconds;

/* Each CPU has its own choices. A thread may be moved to another CPU in the middle of an update,
 * and spoil a choice of the first CPU. That happens in each run in the same way. */
static struct {
    uint64_t random;
    uint32_t points_left;
} choices[CPU_MAX];

static _Atomic uint64_t turns_ended, noted, hash;

/* Returns a number from 0 to limit - 1. */
static uint32_t choose(uint32_t limit) {
    uint64_t* random = &choices[cpu_number()].random;
    *random += GOLDEN_RATIO;
    return (uint32_t)(mix(*random) >> 32) % limit;
}

void turns_start(uint64_t new_seed) {
    seed = new_seed;
    for (uint32_t i = 0; i < CPU_MAX; i++)
        choices[i].random = mix(seed * CPU_MAX + i + GOLDEN_RATIO);
    points_between = DENSEST_POINTS << choose(DENSITIES);
    longest_turn_nanoseconds = SHORTEST_TURN_NANOSECONDS << choose(TURN_LENGTHS);
    turns_are_on = true;
}

/* In each round every other CPU has a turn, if the time to the next timer suffices. Now and then
 * there are many rounds. This CPU then stands still for long, as a virtual machine's CPU may. */
void turn_end(void) {
    uint32_t limit = choose(LONG_WAIT_ONE_OF) == 0 ? LONG_WAIT_ROUNDS : SHORT_WAIT_ROUNDS;
    atomic_fetch_add_explicit(&turns_ended, 1, memory_order_relaxed);
    for (uint32_t rounds = choose(limit) + 1; rounds > 0; rounds--)
        cpu_relax();
}

void turn_end_perhaps(void) {
    uint32_t* left = &choices[cpu_number()].points_left;
    if (*left > 0) {
        --*left;
        return;
    }
    *left = choose(2 * points_between);
    turn_end();
}

void turn_wait_for_interrupt(void) {
    const volatile uint64_t* interrupts = &this_cpu()->statistics_interrupts;
    uint64_t before = *interrupts;
    interrupts_enable();
    while (*interrupts == before)
        ;
}

zx_duration_t turn_length(void) {
    return (zx_duration_t)choose(longest_turn_nanoseconds) + 1;
}

void turn_note(uint64_t what) {
    uint64_t old = atomic_load_explicit(&hash, memory_order_relaxed), new;
    do {
        new = mix((old ^ what) + GOLDEN_RATIO * (cpu_number() + 1));
    } while (!atomic_compare_exchange_weak_explicit(&hash, &old, new, memory_order_relaxed,
                                                    memory_order_relaxed));
    atomic_fetch_add_explicit(&noted, 1, memory_order_relaxed);
}

uint64_t turns_count(void) {
    return atomic_load_explicit(&turns_ended, memory_order_relaxed);
}

void turns_report(void (*print)(const char* format, ...)) {
    if (turns_are_on)
        print("turns: seed %lu, a turn ends at one of %u points or after %u us, "
              "%lu ended in %ld us, hash %016lx of %lu notes\n",
              seed, points_between, longest_turn_nanoseconds / 1000, turns_ended,
              clock_now() / 1000, hash, noted);
}
