#include <object/message_end.h>

#include <arch/user_copy.h>
#include <debug/panic.h>
#include <sched/thread.h>

/* What one attempt under the locks came to; never an answer for user mode. */
#define ATTEMPT_USER_FAULT ((zx_status_t)1)

void message_ends_init(struct message_end* end0, struct message_end* end1,
                       struct peer_lock* pair_lock, const struct object_ops* ops) {
    struct message_end* ends[2] = {end0, end1};
    for (int i = 0; i < 2; i++) {
        object_init(&ends[i]->object, ops, &pair_lock->lock, ZX_OBJECT_WRITABLE);
        ends[i]->pair_lock = pair_lock;
        ends[i]->peer = ends[1 - i];
        message_queue_init(&ends[i]->queue);
        ends[i]->cycle = (struct cycle_node){.collection = 0};
    }
}

void message_end_update_holds_handles_locked(struct message_end* end) {
    struct message_end* peer = end->peer;
    bool holds = end->queue.handle_count > 0 || (peer && peer->queue.handle_count > 0);
    atomic_store_explicit(&end->object.holds_handles, holds, memory_order_relaxed);
    if (peer)
        atomic_store_explicit(&peer->object.holds_handles, holds, memory_order_relaxed);
}

void message_end_after_take_locked(struct message_end* end) {
    if (end->queue.is_full) {
        message_queue_update_full(&end->queue);
        if (end->peer && !end->queue.is_full)
            object_update_signals_locked(&end->peer->object, 0, ZX_OBJECT_WRITABLE);
    }
    if (end->queue.handle_count == 0)
        message_end_update_holds_handles_locked(end);
}

static inline void take_first_locked(struct message_end* end, const struct message* message) {
    message_end_take_first_locked(end, message_queued_size(message), message_handle_count(message));
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A read writes to up to four places: bytes, both counts, and the values of the handles, which come
 * last because they are known last. A bad place must leave the others as they were, so all but the
 * first written are looked at before. */

static inline size_t handles_size(const struct message* message) {
    return message_handle_count(message) * sizeof(zx_handle_t);
}

static bool counts_are_present(const struct message_target* target) {
    return (!target->actual_bytes || user_fault_in(target->actual_bytes, sizeof(uint32_t), true)) &&
           (!target->actual_handles ||
            user_fault_in(target->actual_handles, sizeof(uint32_t), true));
}

static bool write_counts(const struct message* message, const struct message_target* target) {
    return (!target->actual_bytes || user_write_word(target->actual_bytes, message->byte_count)) &&
           (!target->actual_handles ||
            user_write_word(target->actual_handles, message_handle_count(message)));
}

static inline bool write_bytes_and_counts(struct message* message,
                                          const struct message_target* target) {
    if (likely(!(message->shape & MESSAGE_PAGED)))
        return user_copy_out_with_words(
            target->bytes, message_inline_bytes(message), message->byte_count, target->actual_bytes,
            message->byte_count, target->actual_handles, message_handle_count(message));
    return user_fault_in(target->bytes, message->byte_count, true) && counts_are_present(target) &&
           message_copy_out_paged(message, target->bytes) && write_counts(message, target);
}

/* Moves the handles to the table, whose lock is held. */
static NOINLINE bool install_handles_locked(struct message* message,
                                            const struct message_target* target) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    uint32_t count = message_handle_count(message);
    handle_table_add_many_locked(target->table, message_handles(message), count, values);
    if (likely(user_copy_out_with_words(target->handles, values, count * sizeof(values[0]), 0, 0, 0,
                                        0)))
        return true;
    handle_table_take_back_locked(target->table, count, values);
    return false;
}

/* The first message does not fit the target. */
static zx_status_t refuse_locked(struct message_end* end, const struct message* message,
                                 const struct message_target* target) {
    if (!write_counts(message, target))
        return ATTEMPT_USER_FAULT;
    if (target->may_discard)
        take_first_locked(end, message);
    return ZX_ERR_BUFFER_TOO_SMALL;
}

/* One attempt, under the end's lock, and the table's if the target wants handles. */
static inline zx_status_t read_locked(struct message_end* end, const struct message_target* target,
                                      bool is_target_good, struct message* message) {
    if (unlikely(!message))
        return end->peer ? ZX_ERR_SHOULD_WAIT : ZX_ERR_PEER_CLOSED;
    uint32_t handle_count = message_handle_count(message);
    if (unlikely(message->byte_count > target->bytes_room || handle_count > target->handles_room))
        return is_target_good ? refuse_locked(end, message, target) : ATTEMPT_USER_FAULT;
    if (handle_count > 0) {
        zx_status_t status = handle_table_reserve_locked(target->table, handle_count);
        if (unlikely(status != ZX_OK))
            return status;
        if (unlikely(!user_touch_small(target->handles, handles_size(message))))
            return ATTEMPT_USER_FAULT;
    }
    if (unlikely(!write_bytes_and_counts(message, target)))
        return ATTEMPT_USER_FAULT;
    if (handle_count > 0 && unlikely(!install_handles_locked(message, target)))
        return ATTEMPT_USER_FAULT;
    take_first_locked(end, message);
    return ZX_OK;
}

/* `*message`: what was at the head; it was taken if the answer says so. */
static inline zx_status_t read_once(struct message_end* end, const struct message_target* target,
                                    bool is_target_good, struct message** message) {
    bool wants_handles = target->handles_room > 0;
    if (wants_handles)
        spin_lock(&target->table->lock);
    spin_lock(end->object.lock);
    *message = end->queue.first;
    zx_status_t status = read_locked(end, target, is_target_good, *message);
    spin_unlock(end->object.lock);
    if (wants_handles)
        spin_unlock(&target->table->lock);
    return status;
}

/* User pointers are checked before the queue's state: an answer that comes from the state stands
 * only if all of them are good. Leaves the pages present for the next attempt. */
static bool target_is_good(const struct message_target* target) {
    size_t bytes = MIN(target->bytes_room, ZX_CHANNEL_MAX_MSG_BYTES);
    size_t handles = MIN(target->handles_room, ZX_CHANNEL_MAX_MSG_HANDLES);
    return user_fault_in(target->bytes, bytes, true) &&
           user_fault_in(target->handles, handles * sizeof(zx_handle_t), true) &&
           counts_are_present(target);
}

/* After an attempt that took nothing: OK, try again. */
static NOINLINE zx_status_t after_attempt(const struct message_target* target, zx_status_t status) {
    if (!target_is_good(target))
        return ZX_ERR_INVALID_ARGS;
    if (status != ATTEMPT_USER_FAULT)
        return status;
    return thread_is_killed(thread_current()) ? ZX_ERR_CANCELED : ZX_OK;
}

zx_status_t message_end_read(struct message_end* end, const struct message_target* target) {
    for (bool is_target_good = false;; is_target_good = true) {
        struct message* message;
        zx_status_t status = read_once(end, target, is_target_good, &message);
        if (likely(status == ZX_OK)) {
            message_free(message); /* its handles were given away */
            return ZX_OK;
        }
        if (status == ZX_ERR_BUFFER_TOO_SMALL) {
            if (target->may_discard)
                message_destroy(message);
            return status;
        }
        status = after_attempt(target, status);
        if (status != ZX_OK)
            return status;
    }
}

/* --- the end of it ---------------------------------------------------------------------------- */

void message_end_on_zero_handles(struct object* object) {
    struct message_end* end = message_end_from(object);
    spin_lock(object->lock);
    struct message_end* peer = end->peer;
    if (peer) {
        end->peer = NULL;
        peer->peer = NULL;
        message_end_update_holds_handles_locked(peer);
        if (object_holds_handles(&peer->object))
            cycle_note(&peer->object); /* its last way in from outside may have been this end */
        object_update_signals_locked(&peer->object, ZX_OBJECT_WRITABLE, ZX_OBJECT_PEER_CLOSED);
    }
    spin_unlock(object->lock);
}

/* Nobody can read what still waits here. Releasing an end that is found in a message only appends
 * it to the destroy list, so a chain of channels does not recurse. */
void message_end_destroy(struct message_end* end) {
    message_end_on_zero_handles(&end->object); /* it may never have had a handle */
    cycle_forget(&end->object);
    while (!message_queue_is_empty(&end->queue))
        message_destroy(message_queue_pop(&end->queue, 0, 0));
    peer_lock_release(end->pair_lock);
}

struct object* message_end_peer_locked(struct object* object) {
    struct message_end* peer = message_end_from(object)->peer;
    return peer ? &peer->object : NULL;
}
