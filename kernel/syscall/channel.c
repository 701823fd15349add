#include <syscalls/prototypes.h>

#include <object/channel.h>
#include <object/handle_transfer.h>
#include <syscall/handle_helpers.h>

#define READ_MAY_DISCARD 1u

zx_status_t sys_channel_create(uint32_t options, user_out(zx_handle_t) out0,
                               user_out(zx_handle_t) out1) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    struct message_end *end0, *end1;
    zx_status_t status = channel_create(&end0, &end1);
    if (status != ZX_OK)
        return status;
    return handle_install_pair_out(&end0->object, CHANNEL_DEFAULT_RIGHTS, out0, &end1->object,
                                   CHANNEL_DEFAULT_RIGHTS, out1);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The usual message: few bytes, no handles. False: nothing was done, and the long way tells why. */
static ALWAYS_INLINE bool write_small(zx_handle_t handle, user_in(void) bytes, uint32_t num_bytes) {
    struct handle_table* table = current_handles();
    struct handle_slot* slot;
    struct message* message;
    if (unlikely(!message_create_small(bytes.address, num_bytes, 0, &message)))
        return false;
    spin_lock(&table->lock);
    if (unlikely(handle_table_check_locked(table, handle, ZX_OBJ_TYPE_CHANNEL, ZX_RIGHT_WRITE,
                                           &slot) != ZX_OK)) {
        spin_unlock(&table->lock);
        message_free_small(message);
        return false;
    }
    struct message_end* end = message_end_from(slot->object);
    spin_lock_inner(end->object.lock);
    spin_unlock_outer(&table->lock);
    zx_status_t status = message_end_push_locked(end, message, num_bytes, 0);
    spin_unlock(end->object.lock);
    if (likely(status == ZX_OK))
        return true;
    message_free_small(message);
    return false;
}

/* A message with the bytes, and the values of its handles-to-be. */
static ALWAYS_INLINE zx_status_t prepare(user_in(void) bytes, uint32_t num_bytes,
                                         user_in(zx_handle_t) handles, uint32_t num_handles,
                                         zx_handle_t* values, struct message** message) {
    if (unlikely(num_bytes > ZX_CHANNEL_MAX_MSG_BYTES || num_handles > ZX_CHANNEL_MAX_MSG_HANDLES))
        return ZX_ERR_OUT_OF_RANGE;
    if (num_handles > 0 &&
        unlikely(!user_copy_in_small(values, handles.address, num_handles * sizeof(values[0]))))
        return ZX_ERR_INVALID_ARGS;
    if (message_fits_small(num_bytes, num_handles) &&
        likely(message_create_small(bytes.address, num_bytes, num_handles, message)))
        return ZX_OK;
    return message_create_from_user(bytes.address, num_bytes, num_handles, message);
}

/* With the table locked: the handles leave it and the message joins the queue, in one step. */
static ALWAYS_INLINE zx_status_t deliver_locked(struct message_end* end, struct message* message,
                                                struct handle_transfer* transfer) {
    size_t size = message_queued_size(message);
    uint32_t count = transfer->count;
    zx_status_t status = count > 0 ? handle_transfer_take_locked(transfer, &end->object) : ZX_OK;
    if (unlikely(status != ZX_OK))
        return status;
    spin_lock_inner(end->object.lock);
    status = message_end_push_locked(end, message, size, count);
    spin_unlock_inner(end->object.lock);
    if (count > 0 && likely(status == ZX_OK))
        handle_transfer_commit_locked(transfer);
    else if (count > 0)
        handle_transfer_put_back_locked(transfer);
    return status;
}

/* Any message, of both generations. On failure the handles stay. Faults of the handle are told
 * before those of sizes and pointers, although these are found first. */
static ALWAYS_INLINE zx_status_t write_message(zx_handle_t handle, uint32_t options,
                                               user_in(void) bytes, uint32_t num_bytes,
                                               user_in(zx_handle_t) handles, uint32_t num_handles,
                                               const struct handle_transfer_errors* errors) {
    struct handle_table* table = current_handles();
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    struct message* message = NULL;
    if (unlikely(options != 0))
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = prepare(bytes, num_bytes, handles, num_handles, values, &message);
    if (unlikely(status != ZX_OK)) {
        zx_status_t of_handle =
            handle_table_check(table, handle, ZX_OBJ_TYPE_CHANNEL, ZX_RIGHT_WRITE);
        return of_handle != ZX_OK ? of_handle : status;
    }
    struct handle_transfer transfer;
    transfer.table = table;
    transfer.values = values;
    transfer.entries = message_handles(message);
    transfer.count = num_handles;
    transfer.carrier_index = HANDLE_TRANSFER_NOWHERE;
    transfer.errors = errors;
    struct handle_slot* slot;
    spin_lock(&table->lock);
    status = handle_table_check_locked(table, handle, ZX_OBJ_TYPE_CHANNEL, ZX_RIGHT_WRITE, &slot);
    if (likely(status == ZX_OK))
        status = deliver_locked(message_end_from(slot->object), message, &transfer);
    spin_unlock(&table->lock);
    if (unlikely(status != ZX_OK))
        message_free(message);
    else if (num_handles > 0)
        handle_transfer_finish(&transfer);
    return status;
}

/* 2018: whatever goes wrong, every valid handle of the array is closed, however long it is. */
static NOINLINE zx_status_t write_or_discard(zx_handle_t handle, uint32_t options,
                                             user_in(void) bytes, uint32_t num_bytes,
                                             user_in(zx_handle_t) handles, uint32_t num_handles) {
    static const struct handle_transfer_errors errors = {.repeated = ZX_ERR_BAD_HANDLE,
                                                         .invalid = ZX_ERR_BAD_HANDLE};
    zx_status_t status =
        write_message(handle, options, bytes, num_bytes, handles, num_handles, &errors);
    if (unlikely(status != ZX_OK && num_handles > 0))
        (void)handle_close_user_array(handles, num_handles);
    return status;
}

/* 2017: on failure the handles stay with the caller. */
static NOINLINE zx_status_t write_or_keep(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                                          uint32_t num_bytes, user_in(zx_handle_t) handles,
                                          uint32_t num_handles) {
    static const struct handle_transfer_errors errors = {.repeated = ZX_ERR_INVALID_ARGS,
                                                         .invalid = ZX_ERR_BAD_HANDLE};
    return write_message(handle, options, bytes, num_bytes, handles, num_handles, &errors);
}

static inline bool is_small(uint32_t options, uint32_t num_bytes, uint32_t num_handles) {
    return likely((options | num_handles) == 0 && num_bytes <= MESSAGE_SMALL_ROOM);
}

zx_status_t sys_channel_write(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                              uint32_t num_bytes, user_in(zx_handle_t) handles,
                              uint32_t num_handles) {
    if (is_small(options, num_bytes, num_handles) && likely(write_small(handle, bytes, num_bytes)))
        return ZX_OK;
    return write_or_discard(handle, options, bytes, num_bytes, handles, num_handles);
}

zx_status_t sys_mx_channel_write(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                                 uint32_t num_bytes, user_in(zx_handle_t) handles,
                                 uint32_t num_handles) {
    if (is_small(options, num_bytes, num_handles) && likely(write_small(handle, bytes, num_bytes)))
        return ZX_OK;
    return write_or_keep(handle, options, bytes, num_bytes, handles, num_handles);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Whatever the quick way does not do. Apart, so that it costs the quick way nothing. */
static NOINLINE zx_status_t read_message(zx_handle_t handle, uint32_t options, user_out(void) bytes,
                                         user_out(zx_handle_t) handles, uint32_t num_bytes,
                                         uint32_t num_handles, user_out(uint32_t) actual_bytes,
                                         user_out(uint32_t) actual_handles) {
    if (options & ~READ_MAY_DISCARD)
        return ZX_ERR_INVALID_ARGS;
    const struct message_request request = {
        .table = current_handles(),
        .handle = handle,
        .type = ZX_OBJ_TYPE_CHANNEL,
        .bytes = bytes.address,
        .handles = handles.address,
        .bytes_room = num_bytes,
        .handles_room = num_handles,
        .actual_bytes = actual_bytes.address,
        .actual_handles = actual_handles.address,
        .has_places = (num_bytes == 0 || !user_is_null(bytes)) &&
                      (num_handles == 0 || !user_is_null(handles)),
        .may_discard = options & READ_MAY_DISCARD,
    };
    return message_end_read(&request);
}

zx_status_t sys_channel_read(zx_handle_t handle, uint32_t options, user_out(void) bytes,
                             user_out(zx_handle_t) handles, uint32_t num_bytes,
                             uint32_t num_handles, user_out(uint32_t) actual_bytes,
                             user_out(uint32_t) actual_handles) {
    bool has_places = !user_is_null(bytes) && (num_handles == 0 || !user_is_null(handles));
    if (likely(options == 0 && has_places) &&
        likely(message_end_read_small(current_handles(), handle, ZX_OBJ_TYPE_CHANNEL, bytes.address,
                                      num_bytes, actual_bytes.address, actual_handles.address)))
        return ZX_OK;
    return read_message(handle, options, bytes, handles, num_bytes, num_handles, actual_bytes,
                        actual_handles);
}
