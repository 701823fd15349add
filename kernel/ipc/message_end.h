/* One of two ends between which messages go: what channels and message pipes are made of.
 *
 * Both ends share one lock (LOCK_OBJECT), which guards the queues, the peer pointers and the
 * signals. Each end owns the messages that wait to be read at it. While the other end has handles,
 * `peer` points to it.
 *
 * At the bound (CHANNEL_MAX_QUEUED_MESSAGES or CHANNEL_MAX_QUEUED_BYTES) nothing more is taken and
 * the writer's end does not show WRITABLE, until a read makes room. */
#pragma once

#include <arch/keeping_call.h>
#include <lib/tree.h>
#include <ipc/message_cycle.h>
#include <ipc/message.h>
#include <object/object.h>

struct message_end {
    struct object object;
    struct peer_lock* pair_lock;
    struct message_end* peer;   /* NULL once the other end's last handle has gone */
    struct message_queue queue; /* what this end's reader will get */
    struct tree calls;          /* struct message_call.node: who waits for a reply here */
    uint32_t next_call_id, next_call_order;
    struct cycle_node cycle;
    bool is_reply; /* of a message pipe: writing to it sends the end itself along */
};

/* Two connected ends, one reference each. NO_MEMORY. */
MUST_CHECK zx_status_t message_ends_create(const struct object_ops* ops, struct message_end** end0,
                                           struct message_end** end1);
/* For the type's ops. */
void message_end_on_zero_handles(struct object* object);
void message_end_destroy(struct object* object);
struct object* message_end_peer_locked(struct object* object);

static inline struct message_end* message_end_from(struct object* object) {
    return CONTAINER_OF(object, struct message_end, object);
}

/* Keeps the end's memory, but not what waits there, for a look of the collector: so a close that
 * comes meanwhile destroys at once, not when the look is over. The memory is there now: the end is
 * referenced, or found under a lock that its destructor takes. */
static inline void message_end_pin(struct message_end* end) {
    atomic_fetch_add_explicit(&end->cycle.pins, 1, memory_order_relaxed);
}
void message_end_unpin(struct message_end* end);
/* All that waits at an end that nobody can read any more: a chain by `next`. Takes the lock: a look
 * of the collector may be at the queue. */
struct message* message_end_take_all(struct message_end* end);

/* Whether each message written to the end must bring the end itself; `type` is the end's. */
static inline bool message_end_must_send_itself(const struct message_end* end, zx_obj_type_t type) {
    return type == ZX_OBJ_TYPE_MSGPIPE && unlikely(end->is_reply);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Into the queue of `peer`, the other end, which has room. Under the lock. */
static ALWAYS_INLINE void message_end_queue_locked(struct message_end* end,
                                                   struct message_end* peer,
                                                   struct message* message, size_t size,
                                                   uint32_t handle_count) {
    bool is_full = message_queue_push(&peer->queue, message, size, handle_count);
    if (handle_count > 0) {
        atomic_store_explicit(&end->object.may_hold_handles, true, memory_order_relaxed);
        atomic_store_explicit(&peer->object.may_hold_handles, true, memory_order_relaxed);
    }
    if (unlikely(is_full))
        object_update_signals_locked(&end->object, ZX_OBJECT_WRITABLE, 0);
    object_update_signals_locked(&peer->object, 0, ZX_OBJECT_READABLE);
}

/* Whether there is room, and nobody at the other end waits for a reply. Under the lock. WRITABLE is
 * shown while there is a peer with room. */
static inline bool message_end_can_queue_all_locked(const struct message_end* end) {
    return likely(object_signals(&end->object) & ZX_OBJECT_WRITABLE) &&
           likely(tree_is_empty(&end->peer->calls));
}

/* message_end_push_locked where that is not so. */
MUST_CHECK zx_status_t message_end_push_unusual_locked(struct message_end* end,
                                                       struct message* message, size_t size,
                                                       uint32_t handle_count);

/* Queues the message at the other end, or answers a call there with it, for which there is always
 * room; consumes it on success only. PEER_CLOSED; NO_MEMORY at the queue bound. Under the lock.
 * Inline: it is on the way of every message. `size` and `handle_count` are the message's
 * (message_queued_size). */
MUST_CHECK static ALWAYS_INLINE zx_status_t message_end_push_locked(struct message_end* end,
                                                                    struct message* message,
                                                                    size_t size,
                                                                    uint32_t handle_count) {
    if (unlikely(!message_end_can_queue_all_locked(end)))
        return message_end_push_unusual_locked(end, message, size, handle_count);
    message_end_queue_locked(end, end->peer, message, size, handle_count);
    return ZX_OK;
}

/* The same for a message without handles; drops the lock, and frees what was not taken. */
MUST_CHECK zx_status_t message_end_push_unusual_and_unlock(struct message_end* end,
                                                           struct message* message);
/* The same, without the lock: for kernel code that has a reference. */
MUST_CHECK zx_status_t message_end_write(struct message_end* end, struct message* message);

/* --- reading ---------------------------------------------------------------------------------- */

/* The queue was full, and a message was taken: the writer may have room again. */
void message_end_tell_room_locked(struct message_end* end);

/* The first message is done with: takes it out of the queue, under the lock. */
static ALWAYS_INLINE void message_end_take_first_locked(struct message_end* end, size_t size,
                                                        uint32_t handle_count) {
    (void)message_queue_pop(&end->queue, size, handle_count);
    if (message_queue_is_empty(&end->queue))
        object_update_signals_locked(&end->object, ZX_OBJECT_READABLE, 0);
    if (unlikely(end->queue.is_full))
        CALL_KEEPING_1(message_end_tell_room_locked, end);
}

/* Which message a reader wants, and where; addresses are user memory, 0 for the counts: not wanted.
 */
struct message_request {
    struct handle_table* table;
    zx_handle_t handle; /* an end of `type` with the READ right */
    zx_obj_type_t type;
    uintptr_t bytes, handles;
    uint32_t bytes_room, handles_room;
    uintptr_t actual_bytes, actual_handles;
    bool has_places; /* no room is claimed at NULL */
    bool may_discard;
};

/* Takes the first message that waits at the end: its bytes go to user memory and its handles to
 * the table, in one step. BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED. SHOULD_WAIT, PEER_CLOSED: there is
 * none. BUFFER_TOO_SMALL: tells the sizes needed, and drops the message if the request says so.
 * INVALID_ARGS (bad user memory) and errors of handle_table_reserve_locked take nothing. */
MUST_CHECK zx_status_t message_end_read(const struct message_request* request);

/* The same for a message that is in no queue: consumed, whatever the answer. What does not fit is
 * BUFFER_TOO_SMALL; the handle of the request does not matter. No lock held. */
MUST_CHECK zx_status_t message_receive(struct message* message,
                                       const struct message_request* request);
/* Whether the places of the request can be written to; brings them in. No lock held. */
MUST_CHECK bool message_request_is_good(const struct message_request* request);

/* The quick way for the usual case: a small message that fits, all memory present. False: nothing
 * was done; message_end_read will tell. The end needs no reference: whoever closes its last handle
 * needs its lock before it can go. */
MUST_CHECK static ALWAYS_INLINE bool message_end_read_small(struct handle_table* table,
                                                            zx_handle_t handle, zx_obj_type_t type,
                                                            uintptr_t bytes, uint32_t bytes_room,
                                                            uintptr_t actual_bytes,
                                                            uintptr_t actual_handles) {
    struct handle_slot* slot;
    if (unlikely(handle_hold(table, handle, type, ZX_RIGHT_READ, &slot) != ZX_OK))
        return false;
    struct message_end* end = message_end_from(slot->object);
    spin_lock_inner(end->object.lock);
    handle_let_go_outer(slot, handle);
    struct message* message = end->queue.first;
    if (unlikely(!message || !message_is_small(message)))
        goto not_so;
    uint32_t size = message->byte_count;
    if (unlikely(size > bytes_room) ||
        unlikely(!user_copy_out_with_words(bytes, message->payload, size, actual_bytes, size,
                                           actual_handles, 0)))
        goto not_so;
    message_end_take_first_locked(end, size, 0);
    spin_unlock_inner(end->object.lock);
    message_free_small_inner(message);
    preempt_enable();
    return true;

not_so:
    spin_unlock(end->object.lock);
    return false;
}
