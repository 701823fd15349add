/* One of two ends between which messages go: what channels and message pipes are made of.
 *
 * Both ends share one lock (LOCK_OBJECT), which guards the queues, the peer pointers and the signals. Each end
 * owns the messages that wait to be read at it. While the other end has handles, `peer` points to it.
 *
 * At the bound (CHANNEL_MAX_QUEUED_MESSAGES or CHANNEL_MAX_QUEUED_BYTES) nothing more is taken and the
 * writer's end does not show WRITABLE, until a read makes room. */
#pragma once

#include <object/cycle.h>
#include <object/message.h>
#include <object/object.h>

struct message_end {
    struct object object;
    struct peer_lock* pair_lock;
    struct message_end* peer;   /* NULL once the other end's last handle has gone */
    struct message_queue queue; /* what this end's reader will get */
    struct cycle_node cycle;
};

/* Connects two ends, whose memory is the caller's, with one reference each. */
void message_ends_init(struct message_end* end0, struct message_end* end1,
                       struct peer_lock* pair_lock, const struct object_ops* ops);
/* For the type's ops. The memory is still the caller's after message_end_destroy. */
void message_end_on_zero_handles(struct object* object);
void message_end_destroy(struct message_end* end);
struct object* message_end_peer_locked(struct object* object);
/* Both ends of a pair say whether handles wait at either of them; under the lock, after a change. */
void message_end_update_holds_handles_locked(struct message_end* end);

static inline struct message_end* message_end_from(struct object* object) {
    return CONTAINER_OF(object, struct message_end, object);
}

/* Queues the message at the other end; consumes it on success only. PEER_CLOSED; NO_MEMORY at the queue
 * bound. A table lock may be held. */
MUST_CHECK zx_status_t message_end_write(struct message_end* end, struct message* message);

/* Where a reader wants a message; addresses are user memory, 0 for the counts: not wanted. */
struct message_target {
    struct handle_table* table;
    uintptr_t bytes, handles;
    uint32_t bytes_room, handles_room;
    uintptr_t actual_bytes, actual_handles;
    bool may_discard;
};

/* Takes the first message that waits at this end: its bytes go to user memory and its handles to the
 * table, in one step. SHOULD_WAIT, PEER_CLOSED: there is none. BUFFER_TOO_SMALL: tells the sizes needed, and
 * drops the message if the target says so. INVALID_ARGS (bad user memory) and errors of
 * handle_table_reserve_locked take nothing. */
MUST_CHECK zx_status_t message_end_read(struct message_end* end,
                                        const struct message_target* target);
