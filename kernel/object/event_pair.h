/* Event pairs: two ends that are nothing but their signals; each can change the other's, and sees
 * when it is gone. Both share one lock. */
#pragma once

#include <object/object.h>

#define EVENT_PAIR_DEFAULT_RIGHTS \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

struct event_pair_end {
    struct object object;
    struct peer_lock* pair_lock;
    struct event_pair_end* peer; /* under the lock; NULL once the other's last handle has gone */
};

/* Two ends, one reference each. NO_MEMORY. */
MUST_CHECK zx_status_t event_pair_create(struct event_pair_end** end0,
                                         struct event_pair_end** end1);
