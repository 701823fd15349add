/* The state of an end of a channel or message pipe: message_end.h has its rules. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <ipc/message.h>
#include <lib/list.h>
#include <lib/tree.h>
#include <object/object.h>

struct message_end;

/* What one look of the collector has noted about one end (message_cycle_look.c). */
struct cycle_visit {
    struct message_end* end;
    struct cycle_visit* next;      /* in the order found */
    struct cycle_visit* next_live; /* in the list of live ends whose queues are not followed yet */
    uint32_t inner_handles;        /* handles to the end in the queues looked at */
    uint32_t taken, message_room;  /* the queue's counts when it was looked at */
    bool is_live, is_suspect;
};

/* The collector's part of every end. */
struct cycle_node {
    struct list_node suspect_node; /* under the suspects' lock, as the two below */
    uint32_t weight;               /* this end's part of the weight of the old suspects */
    bool was_noted, is_fresh, is_forgotten;
    /* The pins keep the end's memory. Each look has one, and the end itself until it is
     * destroyed. */
    _Atomic uint32_t pins;
    uint8_t small_index; /* the end's index in the small look, if that has reached it */
    uint64_t number;     /* the number of the last large look that reached the end */
};

struct message_end {
    struct object object;
    struct message_end* peer;   /* NULL once the other end's last handle has gone */
    struct message_queue queue; /* messages that wait to be read at this end */
    struct tree calls; /* struct message_call.node: calls that wait for a reply at this end */
    uint32_t next_call_id, next_call_order;
    struct cycle_node cycle;
    struct cycle_visit visit; /* used by the large look cycle.number; not set before that */
    bool is_reply; /* a reply pipe: each message written to this end carries its handle */
};

static inline struct message_end* message_end_from(struct object* object) {
    return CONTAINER_OF(object, struct message_end, object);
}

/* Keeps the end's memory for a look of the collector, but not its messages. So a thread that closes
 * the end during the look destroys the messages at once. The caller has a reference, or found the
 * end under a lock that its destructor takes. So the memory is valid now, and the increment needs
 * no order. */
static inline void message_end_pin(struct message_end* end) {
    atomic_fetch_add_explicit(&end->cycle.pins, 1, memory_order_relaxed);
}
