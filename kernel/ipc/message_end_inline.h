/* The inside of message_end.h: the steps of every message. They are inline because most of their
 * arguments are constants in the caller. message_end.c has the slow paths, and explains the races
 * that the numbers name. */
#pragma once

#include <arch/user_copy.h>
#include <ipc/message_call.h>
#include <ipc/message_end.h>
#include <ipc/message_end_queue.h>
#include <object/handle_table.h>
#include <task/process.h>

/* Returns the end that the handle names, locked. `is_observed`: the caller will observe the end.
 * Preemption is off, and stays off. */
static ALWAYS_INLINE zx_status_t message_end_lock_inner(zx_handle_t handle, zx_obj_type_t type,
                                                        zx_rights_t rights, bool is_observed,
                                                        struct message_end** end) {
    struct handle_slot* slot;
    zx_status_t status = handle_hold_inner(current_handles(), handle, type, rights, &slot);
    if (unlikely(status != ZX_OK))
        return status;
    if (is_observed)
        handle_slot_note_observer(slot);
    *end = message_end_from(slot->object);
    spin_lock_inner((*end)->object.lock);
    handle_let_go_outer(slot, handle); /* race 1: not before the end is locked */
    return ZX_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Queues the message. If there is a `call`, it begins to wait before the message is queued, because
 * the reply may come at once. */
static ALWAYS_INLINE zx_status_t message_end_send_locked(struct message_end* end,
                                                         struct message* message, size_t size,
                                                         uint32_t handle_count,
                                                         struct message_call* call) {
    if (call)
        message_call_begin_locked(call, end, message);
    zx_status_t status = message_end_push_locked(end, message, size, handle_count);
    if (call && status != ZX_OK)
        message_call_cancel_locked(call);
    return status;
}

/* Sends a message without handles. Consumes the message on success only. Preemption is off; after a
 * success it is on. */
static ALWAYS_INLINE zx_status_t message_end_send_inner(zx_handle_t handle, zx_obj_type_t type,
                                                        struct message* message,
                                                        struct message_call* call) {
    struct message_end* end;
    zx_rights_t rights = call ? MESSAGE_CALL_RIGHTS : ZX_RIGHT_WRITE;
    zx_status_t status = message_end_lock_inner(handle, type, rights, call, &end);
    if (unlikely(status != ZX_OK))
        return status;
    if (type == ZX_OBJ_TYPE_MSGPIPE && unlikely(end->is_reply))
        status = ZX_ERR_BAD_STATE; /* a reply pipe must be sent along */
    else
        status = message_end_send_locked(end, message, message->byte_count, 0, call);
    spin_unlock_inner(end->object.lock);
    if (likely(status == ZX_OK))
        preempt_enable_and_switch(); /* a switch is likely after a reply */
    return status;
}

/* The rest of message_end_send after a failure of message_end_send_inner. */
zx_status_t message_end_fail_to_send(const struct message_rules* rules, struct message* message,
                                     zx_status_t status);
/* The rest of message_end_send if the message has handles, or is not made yet (NULL). Preemption is
 * off; afterwards it is on. */
MUST_CHECK zx_status_t message_end_send_any(zx_handle_t handle, const struct message_rules* rules,
                                            struct user_span bytes, struct user_span handles,
                                            struct message_call* call, struct message* message);

/* `type` is rules->type, which the caller knows. */
MUST_CHECK static ALWAYS_INLINE zx_status_t message_end_send(zx_handle_t handle, zx_obj_type_t type,
                                                             const struct message_rules* rules,
                                                             struct user_span bytes,
                                                             struct user_span handles,
                                                             struct message_call* call) {
    preempt_disable();
    struct message* message = message_create_small(bytes.address, bytes.count, handles.count);
    if (unlikely(!message) || handles.count > 0)
        return message_end_send_any(handle, rules, bytes, handles, call, message);
    zx_status_t status = message_end_send_inner(handle, type, message, call);
    return likely(status == ZX_OK) ? ZX_OK : message_end_fail_to_send(rules, message, status);
}

MUST_CHECK static ALWAYS_INLINE zx_status_t message_end_write(zx_handle_t handle,
                                                              const struct message_rules* rules,
                                                              struct user_span bytes,
                                                              struct user_span handles) {
    return message_end_send(handle, rules->type, rules, bytes, handles, NULL);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* False if a room that is not empty has the address 0. This is a fault even if nothing would be
 * written there. */
static ALWAYS_INLINE bool message_room_has_places(const struct message_room* room) {
    return (room->bytes || room->byte_room == 0) &&
           (likely(room->handle_room == 0) || room->handles);
}

/* A copy for a call out of line, so that the room itself can stay in registers. */
static inline struct message_room message_room_copy(const struct message_room* room) {
    return (struct message_room){
        .bytes = room->bytes,
        .handles = room->handles,
        .byte_room = room->byte_room,
        .handle_room = room->handle_room,
        .actual_bytes = room->actual_bytes,
        .actual_handles = room->actual_handles,
        .may_discard = room->may_discard,
    };
}

/* One attempt to copy a plain message out. The room passed message_room_has_places.
 * BUFFER_TOO_SMALL. INVALID_ARGS: a place is bad or not present (race 3). */
static ALWAYS_INLINE zx_status_t message_give_plain(const struct message* message,
                                                    const struct message_room* room) {
    uint32_t size = message->byte_count;
    if (unlikely(size > room->byte_room))
        return ZX_ERR_BUFFER_TOO_SMALL;
    return likely(user_copy_out_with_words(room->bytes, message->payload, size,
                                           (struct user_word){room->actual_bytes, size},
                                           (struct user_word){room->actual_handles, 0}))
               ? ZX_OK
               : ZX_ERR_INVALID_ARGS;
}

/* Finds the end that the handle names. The caller holds the table's lock, which keeps the end (race
 * 1). */
static inline zx_status_t message_end_find_locked(zx_handle_t handle, zx_obj_type_t type,
                                                  zx_rights_t rights, bool is_observed,
                                                  struct message_end** end) {
    struct handle_slot* slot;
    zx_status_t status = handle_table_check_locked(current_handles(), handle, type, rights, &slot);
    if (unlikely(status != ZX_OK))
        return status;
    if (is_observed)
        handle_slot_note_observer(slot);
    *end = message_end_from(slot->object);
    return ZX_OK;
}

/* Returns the end that the handle names, locked. If its first message has handles and the reader
 * has room for handles, the table stays locked too (race 2). */
static ALWAYS_INLINE zx_status_t message_end_lock_for_reading(zx_handle_t handle,
                                                              zx_obj_type_t type,
                                                              const struct message_room* room,
                                                              struct message_end** end) {
    struct handle_table* table = current_handles();
    preempt_disable();
    if (room->handle_room == 0)
        return message_end_lock_inner(handle, type, ZX_RIGHT_READ, false, end);
    spin_lock_inner(&table->lock);
    zx_status_t status = message_end_find_locked(handle, type, ZX_RIGHT_READ, false, end);
    if (likely(status == ZX_OK))
        spin_lock_inner((*end)->object.lock);
    if (status != ZX_OK || !message_queue_has_handles_first(&(*end)->queue))
        spin_unlock_inner(&table->lock); /* no handles to move: other threads may use the table */
    return status;
}

/* Ends a read whose message was copied out: takes the message out of the queue, unlocks and frees
 * it. */
static ALWAYS_INLINE void message_end_finish_read(struct message_end* end, struct message* message,
                                                  uint32_t handle_count) {
    size_t size = message->byte_count + handle_count * sizeof(struct handle);
    message_end_pop_locked(end, message, size, handle_count);
    spin_unlock_inner(end->object.lock);
    if (handle_count > 0)
        spin_unlock_inner(&current_handles()->lock);
    message_free_inner(message); /* its handles were given away */
    preempt_enable();
}

/* The rest of an attempt if the first message is not plain. */
MUST_CHECK zx_status_t message_end_take_unusual(struct message_end* end, struct message_room room);

/* One attempt to read. After a failure *locked_end is still locked, and perhaps the table. NULL:
 * nothing is locked. */
static ALWAYS_INLINE zx_status_t message_end_try_to_read(zx_handle_t handle, zx_obj_type_t type,
                                                         const struct message_room* room,
                                                         struct message_end** locked_end) {
    struct message_end* end;
    zx_status_t status = message_end_lock_for_reading(handle, type, room, &end);
    *locked_end = status == ZX_OK ? end : NULL;
    if (unlikely(status != ZX_OK))
        return status;
    struct message* message = end->queue.first;
    if (unlikely(!message))
        return end->peer ? ZX_ERR_SHOULD_WAIT : ZX_ERR_PEER_CLOSED;
    if (!message_is_plain(message))
        return message_end_take_unusual(end, message_room_copy(room));
    status = likely(message_room_has_places(room)) ? message_give_plain(message, room)
                                                   : ZX_ERR_INVALID_ARGS;
    if (likely(status == ZX_OK))
        message_end_finish_read(end, message, 0);
    return status;
}

/* The rest of a read whose first attempt failed. */
MUST_CHECK zx_status_t message_end_read_again(zx_handle_t handle, zx_obj_type_t type,
                                              struct message_room room, struct message_end* end,
                                              zx_status_t status);

MUST_CHECK static ALWAYS_INLINE zx_status_t message_end_read(zx_handle_t handle, zx_obj_type_t type,
                                                             struct message_room room) {
    struct message_end* end;
    zx_status_t status = message_end_try_to_read(handle, type, &room, &end);
    return likely(status == ZX_OK)
               ? ZX_OK
               : message_end_read_again(handle, type, message_room_copy(&room), end, status);
}

/* The rest of message_receive if the message is not plain, or the first attempt failed. */
MUST_CHECK zx_status_t message_receive_again(struct message* message, struct message_room room);

MUST_CHECK static ALWAYS_INLINE zx_status_t message_receive(struct message* message,
                                                            struct message_room room) {
    if (likely(message_is_plain(message)) && likely(message_give_plain(message, &room) == ZX_OK)) {
        message_free(message);
        return ZX_OK;
    }
    return message_receive_again(message, message_room_copy(&room));
}

/* The rest of message_room_is_good for larger rooms. */
MUST_CHECK bool message_room_fault_in(struct message_room room);

MUST_CHECK static ALWAYS_INLINE bool message_room_is_good(const struct message_room* room) {
    if (unlikely(!message_room_has_places(room)))
        return false;
    if (likely(room->handle_room == 0 && room->byte_room <= USER_SMALL_MAX))
        return user_touch_with_words(room->bytes, room->byte_room, room->actual_bytes,
                                     room->actual_handles);
    return message_room_fault_in(message_room_copy(room));
}
