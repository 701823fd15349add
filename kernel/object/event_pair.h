/* Event pairs: two ends that have signals and nothing else.
 *
 * Rules for event pairs:
 * - Each end can change the signals of the other end (zx_object_signal_peer).
 * - When the last handle of an end is closed, the other end shows PEER_CLOSED.
 * - Both ends share one lock, so an operation on both takes one lock. */
#pragma once

#include <object/object.h>

#define EVENT_PAIR_DEFAULT_RIGHTS \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

struct event_pair_end {
    struct object object;
    /* under the lock; NULL once the other end has no handles any more */
    struct event_pair_end* peer;
};

/* Makes two ends, with one reference each. NO_MEMORY. */
MUST_CHECK zx_status_t event_pair_create(struct event_pair_end** end0,
                                         struct event_pair_end** end1);
