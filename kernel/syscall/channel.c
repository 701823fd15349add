#include <syscalls/prototypes.h>

#include <object/channel.h>
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

/* --- writing -------------------------------------------------------------------------------- */

static inline zx_status_t write_bytes(struct message_end* end, user_in(void) bytes,
                                      uint32_t num_bytes) {
    struct message* message;
    zx_status_t status = message_create_from_user(bytes.address, num_bytes, 0, &message);
    if (unlikely(status != ZX_OK))
        return status;
    status = message_end_write(end, message);
    if (unlikely(status != ZX_OK))
        message_free(message);
    return status;
}

/* The handles leave the table and the message joins the queue under the table's lock, in one step. */
static __attribute__((noinline)) zx_status_t write_with_handles(
    struct message_end* end, user_in(void) bytes, uint32_t num_bytes,
    user_in(zx_handle_t) handles, uint32_t num_handles, zx_status_t repeated) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    if (!user_read(values, handles, num_handles))
        return ZX_ERR_INVALID_ARGS;
    struct message* message;
    zx_status_t status = message_create_from_user(bytes.address, num_bytes, num_handles, &message);
    if (status != ZX_OK)
        return status;

    struct handle_transfer transfer = {
        .table = current_handles(),
        .values = values,
        .entries = message->handles,
        .count = num_handles,
    };
    const struct handle_transfer_rules rules = {
        .carrier = &end->object,
        .carrier_index = HANDLE_TRANSFER_NOWHERE,
        .repeated = repeated,
        .invalid = ZX_ERR_BAD_HANDLE,
    };
    status = handle_transfer_begin(&transfer, &rules);
    if (status == ZX_OK) {
        status = message_end_write(end, message);
        if (likely(status == ZX_OK)) {
            handle_transfer_commit(&transfer);
            return ZX_OK;
        }
        handle_transfer_abort(&transfer);
    }
    message_free(message);
    return status;
}

/* Both generations; `repeated` is the answer to the same handle twice. On failure the handles stay. */
static inline zx_status_t write_message(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                                        uint32_t num_bytes, user_in(zx_handle_t) handles,
                                        uint32_t num_handles, zx_status_t repeated) {
    struct object* object;
    if (unlikely(options != 0))
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = handle_table_lookup(current_handles(), handle, ZX_OBJ_TYPE_CHANNEL,
                                             ZX_RIGHT_WRITE, &object);
    if (unlikely(status != ZX_OK))
        return status;
    struct message_end* end = message_end_from(object);
    if (unlikely(num_bytes > ZX_CHANNEL_MAX_MSG_BYTES || num_handles > ZX_CHANNEL_MAX_MSG_HANDLES))
        status = ZX_ERR_OUT_OF_RANGE;
    else if (num_handles == 0)
        status = write_bytes(end, bytes, num_bytes);
    else
        status = write_with_handles(end, bytes, num_bytes, handles, num_handles, repeated);
    object_release(object);
    return status;
}

/* 2018: whatever goes wrong, every valid handle of the array is closed, however long it is. */
zx_status_t sys_channel_write(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                              uint32_t num_bytes, user_in(zx_handle_t) handles,
                              uint32_t num_handles) {
    zx_status_t status = write_message(handle, options, bytes, num_bytes, handles, num_handles,
                                       ZX_ERR_BAD_HANDLE);
    if (unlikely(status != ZX_OK && num_handles > 0))
        (void)handle_close_user_array(handles, num_handles);
    return status;
}

/* 2017: on failure the handles stay with the caller. */
zx_status_t sys_mx_channel_write(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                                 uint32_t num_bytes, user_in(zx_handle_t) handles,
                                 uint32_t num_handles) {
    return write_message(handle, options, bytes, num_bytes, handles, num_handles,
                         ZX_ERR_INVALID_ARGS);
}

/* --- reading -------------------------------------------------------------------------------- */

zx_status_t sys_channel_read(zx_handle_t handle, uint32_t options, user_out(void) bytes,
                             user_out(zx_handle_t) handles, uint32_t num_bytes,
                             uint32_t num_handles, user_out(uint32_t) actual_bytes,
                             user_out(uint32_t) actual_handles) {
    struct object* object;
    if (unlikely(options & ~READ_MAY_DISCARD))
        return ZX_ERR_INVALID_ARGS;
    struct handle_table* table = current_handles();
    zx_status_t status =
        handle_table_lookup(table, handle, ZX_OBJ_TYPE_CHANNEL, ZX_RIGHT_READ, &object);
    if (unlikely(status != ZX_OK))
        return status;
    const struct message_target target = {
        .table = table,
        .bytes = bytes.address,
        .handles = handles.address,
        .bytes_room = num_bytes,
        .handles_room = num_handles,
        .actual_bytes = actual_bytes.address,
        .actual_handles = actual_handles.address,
        .may_discard = options & READ_MAY_DISCARD,
    };
    if (unlikely((num_bytes > 0 && user_is_null(bytes)) ||
                 (num_handles > 0 && user_is_null(handles))))
        status = ZX_ERR_INVALID_ARGS;
    else
        status = message_end_read(message_end_from(object), &target);
    object_release(object);
    return status;
}
