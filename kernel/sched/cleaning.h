/* Work for the cleaner, and requests for it: cleaner.h has the rules. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/types.h>

/* The most that one call of run_piece may cost, in release builds and without interrupts.
 * tests/kernel/cleaner_pieces.c measures it. */
#define CLEANER_PIECE_INSTRUCTIONS 20000u

struct cleaning {
    /* Does one bounded piece of the work. Runs in the cleaner's thread, with no lock held. Returns
     * true if there is more to do. */
    bool (*run_piece)(struct cleaning* cleaning);
    /* Private to cleaning.c and cleaner.c: */
    struct cleaning* next;
    _Atomic bool is_requested;
    _Atomic uint32_t rounds; /* how many times run_piece has returned false */
};

#define CLEANING_INITIALIZER(function) \
    { .run_piece = (function) }

/* Requests the work: after this call the cleaner calls run_piece until that returns false.
 * run_piece sees everything the caller wrote before the request. May be called in any context, with
 * any lock held. Cheap if the work is requested already. Work that is requested before
 * cleaner_start is done after it. */
void cleaner_request(struct cleaning* cleaning);

/* Requests the work and waits until one whole round of it, begun after this call, has ended. So all
 * work that existed at the call is done. CANCELED: the caller was killed. No lock held; not for the
 * cleaner itself. */
zx_status_t cleaner_run_out(struct cleaning* cleaning);

/* Requests the work and waits until the condition holds. The condition is checked after each piece
 * of any work, with interrupts off. CANCELED: the caller was killed. */
zx_status_t cleaner_wait_until(struct cleaning* cleaning, bool (*condition)(void*), void* argument);

/* --- for cleaner.c ------------------------------------------------------------------------------
 */

/* Takes all requests. Returns a list by `next`, the newest first. `must_wait`: if there are none,
 * waits for the next one, which raises soft_interrupt. */
struct cleaning* cleaning_take_requests(bool must_wait);
/* Called when a piece has ended: checks the conditions of the waiting threads. */
void cleaning_wake_waiters(void);
