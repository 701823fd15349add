/* The cleaner: one kernel thread, more urgent than every program, that does what is left over from
 * calls and must not be done inside them: it takes too long, or the caller holds a lock.
 *
 * A room describes a kind of such work by a `struct cleaning` that exists for ever, and requests it
 * whenever there is some. The cleaner then calls run_piece again and again, taking turns with other
 * work that is requested, until run_piece returns false.
 *
 * The rule that keeps programs running: once the cleaner has worked for a millisecond within two
 * milliseconds, it sleeps as long as it has worked. So programs get at least half of its CPU, even
 * if they make work without end. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/compiler.h>

/* What one call of run_piece may cost at most, about. */
#define CLEANER_PIECE_INSTRUCTIONS 20000u

struct cleaning {
    /* In the cleaner's thread, with no lock held: does a piece of the work, which is bounded (see
     * above) and does not wait. True: there is more. */
    bool (*run_piece)(struct cleaning* cleaning);
    /* The cleaner's own: */
    struct cleaning* next;
    _Atomic bool is_requested;
    _Atomic uint32_t rounds; /* how often run_piece returned false */
};

#define CLEANING_INITIALIZER(function) \
    { .run_piece = (function) }

/* Has run_piece called, after this call, until it returns false. Whatever was written before is
 * seen there. Any context, whatever lock is held; costs little when it is requested already. What
 * is requested before cleaner_start is done after it. */
void cleaner_request(struct cleaning* cleaning);
/* Requests it and waits until all that was there to do has been done: until a whole round that
 * began after this call has ended. CANCELED: the caller was killed. No lock held; not for the
 * cleaner itself. */
zx_status_t cleaner_run_out(struct cleaning* cleaning);

/* Requests it and waits until the condition holds, which is looked at after each piece of any work,
 * with interrupts off. CANCELED: the caller was killed. */
zx_status_t cleaner_wait_until(struct cleaning* cleaning, bool (*condition)(void*), void* argument);

/* Once, when threads can run. False: no memory. */
MUST_CHECK bool cleaner_start(void);
