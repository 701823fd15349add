/* The inline part of message_end.c, and the fast paths for small messages without handles.
 *
 * A fast path does the common case, or nothing. If it returns false, the caller takes the one way
 * (message_end_write, message_end_read), which does the work or returns the error. */
#pragma once

#include <ipc/message_call.h>
#include <ipc/message_end_queue.h>
#include <ipc/message_end_state.h>
#include <object/handle_table.h>
#include <task/process.h>

/* Returns the end of the handle, locked. `is_observed`: the caller is about to observe it.
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

/* The same for a caller with preemption on. It is off while the end is locked. */
static ALWAYS_INLINE zx_status_t message_end_lock(zx_handle_t handle, zx_obj_type_t type,
                                                  zx_rights_t rights, bool is_observed,
                                                  struct message_end** end) {
    preempt_disable();
    zx_status_t status = message_end_lock_inner(handle, type, rights, is_observed, end);
    if (unlikely(status != ZX_OK))
        preempt_enable();
    return status;
}

/* --- the fast paths
 */

/* NULL: no memory, or bad user memory. Preemption is off. */
static ALWAYS_INLINE struct message* message_create_quickly(uintptr_t bytes, uint32_t byte_count) {
    struct message* message = slab_alloc_inner(&message_small_cache);
    if (unlikely(!message))
        return NULL;
    message->byte_count = byte_count;
    message->shape = 0;
    if (likely(user_copy_in_small(message->payload, bytes, byte_count)))
        return message;
    slab_free_inner(&message_small_cache, message);
    return NULL;
}

/* At most MESSAGE_SMALL_ROOM bytes. */
MUST_CHECK static ALWAYS_INLINE bool message_write_quickly(zx_handle_t handle, zx_obj_type_t type,
                                                           uintptr_t bytes, uint32_t byte_count) {
    struct message_end* end;
    preempt_disable();
    struct message* message = message_create_quickly(bytes, byte_count);
    if (unlikely(!message))
        goto fail;
    if (unlikely(message_end_lock_inner(handle, type, ZX_RIGHT_WRITE, false, &end) != ZX_OK))
        goto free_message;
    if ((type == ZX_OBJ_TYPE_MSGPIPE && unlikely(end->is_reply)) ||
        unlikely(message_end_push_locked(end, message, byte_count, 0) != ZX_OK))
        goto unlock;
    spin_unlock_inner(end->object.lock);
    preempt_enable_and_switch(); /* likely, after a reply */
    return true;

unlock:
    spin_unlock_inner(end->object.lock);
free_message:
    slab_free_inner(&message_small_cache, message);
fail:
    preempt_enable();
    return false;
}

/* The room is not at address 0. */
MUST_CHECK static ALWAYS_INLINE bool message_read_quickly(zx_handle_t handle, zx_obj_type_t type,
                                                          uintptr_t bytes, uint32_t bytes_room,
                                                          uintptr_t actual_bytes,
                                                          uintptr_t actual_handles) {
    struct message_end* end;
    if (unlikely(message_end_lock(handle, type, ZX_RIGHT_READ, false, &end) != ZX_OK))
        return false;
    struct message* message = end->queue.first;
    if (unlikely(!message || message->shape != 0))
        goto unlock;
    uint32_t size = message->byte_count;
    if (unlikely(size > bytes_room) ||
        unlikely(!user_copy_out_with_words(bytes, message->payload, size, actual_bytes, size,
                                           actual_handles, 0)))
        goto unlock;
    message_end_pop_locked(end, message, size, 0);
    spin_unlock_inner(end->object.lock);
    slab_free_inner(&message_small_cache, message);
    preempt_enable();
    return true;

unlock:
    spin_unlock(end->object.lock);
    return false;
}
