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

/* What one look found out about one end. */
struct cycle_visit {
    struct message_end* end;
    struct cycle_visit* next;      /* in the order found */
    struct cycle_visit* next_live; /* whose queue is still to be followed */
    uint32_t inner_handles;        /* handles to the end in the queues looked at */
    uint32_t taken, message_room;  /* the queue's counts when it was looked at */
    bool is_live, is_suspect;
};

/* The collector's part of every end. */
struct cycle_node {
    struct list_node suspect_node; /* under the suspects' lock, as the two below */
    uint32_t weight;               /* what it adds to the weight of the old suspects */
    bool was_noted, is_fresh, is_forgotten;
    /* Who keeps the memory: the looks, and the end itself until it is destroyed. */
    _Atomic uint32_t pins;
    uint8_t small_index; /* its place in the small look, if it has one there */
    uint64_t number;     /* of the last large look at the end */
};

struct message_end {
    struct object object;
    struct peer_lock* pair_lock;
    struct message_end* peer;   /* NULL once the other end's last handle has gone */
    struct message_queue queue; /* what this end's reader will get */
    struct tree calls;          /* struct message_call.node: who waits for a reply here */
    uint32_t next_call_id, next_call_order;
    struct cycle_node cycle;
    struct cycle_visit visit; /* of the look `cycle.number`, which writes it before it is read */
    bool is_reply;            /* of a message pipe: writing to it sends the end itself along */
};

static inline struct message_end* message_end_from(struct object* object) {
    return CONTAINER_OF(object, struct message_end, object);
}

/* Keeps the end's memory, but not what waits there, for a look of the collector: so a close that
 * comes meanwhile destroys at once, not when the look is over. The memory is there now: the end is
 * referenced, or found under a lock that its destructor takes. */
static inline void message_end_pin(struct message_end* end) {
    atomic_fetch_add_explicit(&end->cycle.pins, 1, memory_order_relaxed);
}
