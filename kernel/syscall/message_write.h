/* A message on its way from user memory and the caller's handles into the queue of the other end:
 * what writing to a channel, calling through one, and writing to a message pipe have in common.
 * Inline, so that each of them is compiled with its type known. */
#pragma once

#include <object/handle_transfer.h>
#include <ipc/message_end.h>
#include <syscall/handle_helpers.h>

/* What the caller gave. */
struct message_source {
    zx_handle_t handle; /* an end of `type` with the WRITE right */
    zx_obj_type_t type;
    uintptr_t bytes, handles; /* user memory */
    uint32_t num_bytes, num_handles;
};

/* Writes a message without handles, which is consumed, whatever the answer. Preemption is off, and
 * on again afterwards. */
MUST_CHECK static ALWAYS_INLINE zx_status_t message_deliver_bytes(zx_handle_t handle,
                                                                  zx_obj_type_t type,
                                                                  struct message* message,
                                                                  uint32_t num_bytes) {
    struct handle_slot* slot;
    zx_status_t status = handle_hold_inner(current_handles(), handle, type, ZX_RIGHT_WRITE, &slot);
    if (unlikely(status != ZX_OK))
        goto bad_handle;
    struct message_end* end = message_end_from(slot->object);
    spin_lock_inner(end->object.lock);
    handle_let_go_outer(slot, handle);
    if (message_end_must_send_itself(end, type))
        goto must_send_itself;
    if (unlikely(!message_end_can_queue_all_locked(end)))
        return message_end_push_unusual_and_unlock(end, message);
    message_end_queue_locked(end, end->peer, message, num_bytes, 0);
    spin_unlock(end->object.lock);
    return ZX_OK;

bad_handle:
    CALL_KEEPING_2(handle_fault, current_handles(), status);
    goto free_message;
must_send_itself:
    status = ZX_ERR_BAD_STATE;
    spin_unlock_inner(end->object.lock);
free_message:
    preempt_enable();
    message_free(message);
    return status;
}

/* The usual message: few bytes, no handles. What it answers is final, except MESSAGE_NOT_WRITTEN:
 * then nothing was done, and message_write does it, or tells why not. */
#define MESSAGE_NOT_WRITTEN ((zx_status_t)1)
MUST_CHECK static ALWAYS_INLINE zx_status_t message_write_small(zx_handle_t handle,
                                                                zx_obj_type_t type,
                                                                user_in(void) bytes,
                                                                uint32_t num_bytes) {
    struct message* message;
    preempt_disable();
    if (likely(message_create_small_inner(bytes.address, num_bytes, 0, &message)))
        return message_deliver_bytes(handle, type, message, num_bytes);
    preempt_enable();
    return MESSAGE_NOT_WRITTEN;
}

/* Whether message_write_small is worth a try. */
static inline bool message_is_small_to_write(uint32_t num_bytes, uint32_t num_handles) {
    return likely(num_handles == 0 && num_bytes <= MESSAGE_SMALL_ROOM);
}

/* A message with the bytes, and the values of its handles-to-be. OUT_OF_RANGE, INVALID_ARGS,
 * NO_MEMORY. */
MUST_CHECK static ALWAYS_INLINE zx_status_t message_prepare(const struct message_source* source,
                                                            zx_handle_t* values,
                                                            struct message** message) {
    uint32_t num_bytes = source->num_bytes, num_handles = source->num_handles;
    if (unlikely(num_bytes > ZX_CHANNEL_MAX_MSG_BYTES || num_handles > ZX_CHANNEL_MAX_MSG_HANDLES))
        return ZX_ERR_OUT_OF_RANGE;
    if (num_handles > 0 &&
        unlikely(!user_copy_in_small(values, source->handles, num_handles * sizeof(values[0]))))
        return ZX_ERR_INVALID_ARGS;
    if (message_fits_small(num_bytes, num_handles) &&
        likely(message_create_small(source->bytes, num_bytes, num_handles, message)))
        return ZX_OK;
    return message_create_from_user(source->bytes, num_bytes, num_handles, message);
}

/* The same for a reply pipe, whose own handle must be the last element. That it is not is a fault
 * of the state: the elements are checked first, and its own handle is good in any place so far. */
MUST_CHECK static NOINLINE zx_status_t message_take_handles_of_reply_locked(
    zx_handle_t handle, const struct message_end* end, struct handle_transfer* transfer) {
    uint32_t count = transfer->count, own = 0;
    if (count == 0)
        return ZX_ERR_BAD_STATE;
    bool is_last = transfer->values[count - 1] == handle;
    while (own < count - 1 && transfer->values[own] != handle)
        own++;
    transfer->carrier_index = own; /* the last place, if it is in none */
    zx_status_t status = handle_transfer_take_locked(transfer, &end->object);
    if (is_last || (status != ZX_OK && status != ZX_ERR_NOT_SUPPORTED))
        return status;
    if (status == ZX_OK)
        handle_transfer_put_back_locked(transfer);
    return ZX_ERR_BAD_STATE;
}

/* Takes the handles out of the table, which is locked. No end may be sent through itself, but a
 * reply pipe must be. */
MUST_CHECK static ALWAYS_INLINE zx_status_t
message_take_handles_locked(const struct message_source* source, const struct message_end* end,
                            struct handle_transfer* transfer) {
    if (message_end_must_send_itself(end, source->type))
        return message_take_handles_of_reply_locked(source->handle, end, transfer);
    transfer->carrier_index = HANDLE_TRANSFER_NOWHERE;
    return transfer->count > 0 ? handle_transfer_take_locked(transfer, &end->object) : ZX_OK;
}

/* With the table locked: the handles, of which there are some, leave it and the message joins the
 * queue, in one step. */
MUST_CHECK static ALWAYS_INLINE zx_status_t
message_deliver_locked(const struct message_source* source, struct message_end* end,
                       struct message* message, struct handle_transfer* transfer) {
    size_t size = message_queued_size(message);
    uint32_t count = transfer->count;
    zx_status_t status = message_take_handles_locked(source, end, transfer);
    if (unlikely(status != ZX_OK))
        return status;
    spin_lock_inner(end->object.lock);
    status = message_end_push_locked(end, message, size, count);
    if (message_end_must_send_itself(end, source->type) && status == ZX_OK)
        message_cycle_note(
            &end->object); /* the last way in from outside may have gone into the queue */
    spin_unlock_inner(end->object.lock);
    if (likely(status == ZX_OK))
        handle_transfer_commit_locked(transfer);
    else
        handle_transfer_put_back_locked(transfer);
    return status;
}

/* Any message. On failure the handles stay. Faults of the handle are told before those of sizes and
 * pointers, although these are found first. */
MUST_CHECK static ALWAYS_INLINE zx_status_t
message_write(const struct message_source* source, const struct handle_transfer_errors* errors) {
    struct handle_table* table = current_handles();
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    struct message* message = NULL;
    zx_status_t status = message_prepare(source, values, &message);
    if (unlikely(status != ZX_OK)) {
        zx_status_t of_handle =
            handle_table_check(table, source->handle, source->type, ZX_RIGHT_WRITE);
        return of_handle != ZX_OK ? of_handle : status;
    }
    if (source->num_handles == 0) {
        preempt_disable();
        return message_deliver_bytes(source->handle, source->type, message, source->num_bytes);
    }
    struct handle_transfer transfer;
    transfer.table = table;
    transfer.values = values;
    transfer.entries = message_handles(message);
    transfer.count = source->num_handles;
    transfer.errors = errors;
    struct handle_slot* slot;
    spin_lock(&table->lock);
    status = handle_table_check_locked(table, source->handle, source->type, ZX_RIGHT_WRITE, &slot);
    if (likely(status == ZX_OK))
        status = message_deliver_locked(source, message_end_from(slot->object), message, &transfer);
    else
        handle_fault(table, status);
    spin_unlock(&table->lock);
    if (unlikely(status != ZX_OK))
        message_free(message);
    else
        handle_transfer_finish(&transfer);
    return status;
}
