/* Work for the cleaner, and requests for it: cleaner.h has the rules. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* About the most that one call of run_piece may cost. */
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
 * run_piece sees everything the caller wrote before the request. Any context, with any lock held.
 * Cheap if the work is requested already. A request made before cleaner_start is served after it.
 */
void cleaner_request(struct cleaning* cleaning);

/* --- for cleaner.c ------------------------------------------------------------------------------
 */

/* Takes all requests: a list by `next`, the newest first. */
struct cleaning* cleaning_take_requests(void);
bool cleaning_is_requested(void);
/* The cleaner waits for requests, or is about to: each new one raises soft_interrupt. */
void cleaning_set_waiting(bool waits);
