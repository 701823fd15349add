/* The cleaner: one kernel thread, more urgent than every program. It does the work that a call
 * leaves behind: work that would take the call too long, or that may not be done with a lock held.
 *
 * A module describes one kind of such work by a `struct cleaning`, a static variable. It requests
 * the work whenever there is some. The cleaner then calls run_piece again and again until that
 * returns false. Between two pieces it gives the other requested kinds their turn.
 *
 * Rules for cleaning:
 * - run_piece does at most CLEANER_PIECE_INSTRUCTIONS of work, blocks on nothing, and returns with
 *   no lock held.
 * - A request may be made in any context and with any lock held.
 * - Programs get at least half of the cleaner's CPU, even if they make work without end. Once the
 *   cleaner has worked for a millisecond within two milliseconds, it sleeps as long as it has
 *   worked. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/compiler.h>

/* About the most that one call of run_piece may cost. */
#define CLEANER_PIECE_INSTRUCTIONS 20000u

struct cleaning {
    /* Does one bounded piece of the work. Runs in the cleaner's thread, with no lock held. Returns
     * true if there is more to do. */
    bool (*run_piece)(struct cleaning* cleaning);
    /* Private to cleaner.c: */
    struct cleaning* next;
    _Atomic bool is_requested;
    _Atomic uint32_t rounds; /* how many times run_piece has returned false */
};

#define CLEANING_INITIALIZER(function) \
    { .run_piece = (function) }

/* Requests the work: after this call the cleaner calls run_piece until that returns false.
 * run_piece sees everything the caller wrote before the request. Any context, with any lock held.
 * Cheap if the work is requested already. A request made before cleaner_start is served after it.
 */
void cleaner_request(struct cleaning* cleaning);
/* Requests the work and waits until one whole round of it, begun after this call, has ended. So
 * everything that was there to do at the call has been done. CANCELED: the caller was killed. No
 * lock held; not for the cleaner itself. */
zx_status_t cleaner_run_out(struct cleaning* cleaning);

/* Requests the work and waits until the condition holds. The condition is looked at after each
 * piece of any work, with interrupts off. CANCELED: the caller was killed. */
zx_status_t cleaner_wait_until(struct cleaning* cleaning, bool (*condition)(void*), void* argument);

/* Starts the cleaner. Called once, when threads can run. False: no memory. */
MUST_CHECK bool cleaner_start(void);
