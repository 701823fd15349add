/* Interleavings of CPUs that can be replayed: the command line's jacinth.turns=SEED.
 *
 * An emulator that counts instructions (QEMU with -icount) runs one CPU at a time. A CPU's turn
 * ends when it halts, executes the instruction `pause`, or a timer of the machine is due.
 *
 * In this mode the kernel executes `pause` at points that the seed chooses. Each CPU also has a
 * timer, and its interrupt is such a point too (sched/turn_timer.c). So the seed decides the order
 * in which the CPUs run. The same seed gives the same order, to the instruction (docs/testing.md).
 *
 * Debug builds have points around what other CPUs can see: lock, unlock, the steps of parking and
 * of handle slots, user copies. Release builds have only thread_yield and the timer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/compiler.h>

extern bool turns_are_on; /* set before the other CPUs start; does not change later */

/* Turns the mode on. The seed is not 0. */
void turns_start(uint64_t seed);
/* Returns how many turns have ended at points so far, over all CPUs. For tests. */
uint64_t turns_count(void);
/* If the mode is on, prints one line. The line has a hash of the order in which threads ran on the
 * CPUs. */
void turns_report(void (*print)(const char* format, ...));

/* Ends this CPU's turn: the other CPUs run for a time that the seed chooses. Any context. */
void turn_end(void);
/* turn_end, but only in some of the calls; the seed chooses them. */
void turn_end_perhaps(void);
/* Returns how long this CPU's next turn may last; the seed chooses. */
zx_duration_t turn_length(void);
/* Adds an event on this CPU to the hash; `what` identifies it. */
void turn_note(uint64_t what);
/* Like cpu_wait_for_interrupt, but without a halt. While all CPUs halt, a thread of the emulator
 * moves the clock on. Under load it moves the clock a few instructions too far, so a run could not
 * be replayed. */
void turn_wait_for_interrupt(void);

/* A point in every build; for rare operations. */
static inline void turn_point_always(void) {
    if (turns_are_on)
        turn_end();
}

#if defined(JACINTH_DEBUG) && !__STDC_HOSTED__
#define TURNS_HAVE_POINTS true
#else
#define TURNS_HAVE_POINTS false
#endif

static inline void turn_point(void) {
    if (TURNS_HAVE_POINTS && turns_are_on)
        turn_end_perhaps();
}

static inline void turn_note_switch(const void* thread) {
    if (TURNS_HAVE_POINTS && turns_are_on)
        turn_note((uintptr_t)thread);
}
