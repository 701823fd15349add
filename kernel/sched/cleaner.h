/* The cleaner: one kernel thread, more urgent than every program. It does the work that a call
 * leaves behind: work that would take the call too long, or that may not be done with a lock held.
 *
 * A module describes one kind of such work by a `struct cleaning` (cleaning.h). It requests
 * the work whenever there is some. The cleaner then calls run_piece again and again until that
 * returns false. Between two pieces it gives the other requested kinds their turn.
 *
 * Rules for cleaning:
 * - run_piece does at most CLEANER_PIECE_INSTRUCTIONS of work, never blocks, and returns with no
 *   lock held. Two things are not counted: waking the threads that wait for a destroyed object, and
 *   waiting for other CPUs to flush.
 * - A request may be made in any context and with any lock held.
 * - Programs get at least half of the cleaner's CPU, even if they make work without end. Once the
 *   cleaner has worked for a millisecond within two milliseconds, it sleeps as long as it has
 *   worked. */
#pragma once

#include <stdbool.h>

#include <lib/compiler.h>
#include <sched/cleaning.h>

/* Starts the cleaner. Called once, when threads can run. False: no memory. */
MUST_CHECK bool cleaner_start(void);
