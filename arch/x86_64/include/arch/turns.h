/* Interleavings of CPUs that can be run again: the command line's jacinth.turns=SEED.
 *
 * An emulator that counts instructions (QEMU with -icount) runs one CPU at a time. A CPU's turn
 * ends where it halts, executes the instruction `pause`, or a timer of the machine is due. In this
 * mode the kernel executes `pause` at points that the seed chooses, and each CPU has a timer whose
 * interrupt is such a point as well (sched/turn_timer.c). So the seed decides which CPU does what
 * when, and the same seed does it again, to the instruction (docs/testing.md).
 *
 * Debug builds have points around what other CPUs can see: lock, unlock, the steps of parking and
 * of handle slots, user copies. Release builds have only thread_yield and the timer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/compiler.h>

extern bool turns_are_on; /* set before the other CPUs start, and never again */

/* Switches the mode on; any seed but 0. */
void turns_start(uint64_t seed);
/* If the mode is on: prints one line, with a hash of who ran where, in order. */
void turns_report(void (*print)(const char* format, ...));

/* Ends this CPU's turn: the others run for a while, which the seed chooses. Any context. */
void turn_end(void);
/* The same at some of the calls, which the seed chooses. */
void turn_end_perhaps(void);
/* How long this CPU's next turn may last; the seed chooses. */
zx_duration_t turn_length(void);
/* Puts something that happened on this CPU into the hash. */
void turn_note(uint64_t what);
/* Like cpu_wait_for_interrupt, but without a halt. While all CPUs halt, a thread of the emulator
 * moves the clock on, and under load it moves it by some instructions too many. */
void turn_wait_for_interrupt(void);

/* In every build; for what is done seldom. */
static inline void turn_point_always(void) {
    if (unlikely(turns_are_on))
        turn_end();
}

#if defined(JACINTH_DEBUG) && !__STDC_HOSTED__
static inline void turn_point(void) {
    if (unlikely(turns_are_on))
        turn_end_perhaps();
}

static inline void turn_note_switch(const void* thread) {
    if (unlikely(turns_are_on))
        turn_note((uintptr_t)thread);
}
#else
static inline void turn_point(void) {
}

static inline void turn_note_switch(const void* thread) {
    (void)thread;
}
#endif
