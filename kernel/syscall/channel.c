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

static inline zx_status_t get_writable(zx_handle_t handle, struct object** object) {
    return handle_table_lookup(current_handles(), handle, ZX_OBJ_TYPE_CHANNEL, ZX_RIGHT_WRITE,
                               object);
}

/* The usual message: few bytes, no handles. */
static ALWAYS_INLINE zx_status_t write_small(zx_handle_t handle, user_in(void) bytes,
                                             uint32_t num_bytes) {
    struct object* object = NULL;
    struct message* message;
    zx_status_t status = get_writable(handle, &object);
    if (unlikely(status != ZX_OK))
        return status;
    status = message_create_small(bytes.address, num_bytes, &message);
    if (likely(status == ZX_OK)) {
        status = message_end_write_sized(message_end_from(object), message, num_bytes, 0);
        if (unlikely(status != ZX_OK))
            message_free_small(message);
    }
    object_release(object);
    return status;
}

static zx_status_t write_bytes(struct message_end* end, user_in(void) bytes, uint32_t num_bytes) {
    struct message* message;
    zx_status_t status = message_create_from_user(bytes.address, num_bytes, 0, &message);
    if (status != ZX_OK)
        return status;
    status = message_end_write(end, message);
    if (status != ZX_OK)
        message_free(message);
    return status;
}

/* The handles leave the table and the message joins the queue under the table's lock, in one step.
 */
static zx_status_t write_with_handles(struct message_end* end, user_in(void) bytes,
                                      uint32_t num_bytes, user_in(zx_handle_t) handles,
                                      uint32_t num_handles,
                                      const struct handle_transfer_errors* errors) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    if (unlikely(!user_copy_in_small(values, handles.address, num_handles * sizeof(values[0]))))
        return ZX_ERR_INVALID_ARGS;
    struct message* message;
    zx_status_t status = message_create_from_user(bytes.address, num_bytes, num_handles, &message);
    if (unlikely(status != ZX_OK))
        return status;

    struct handle_transfer transfer;
    transfer.table = current_handles();
    transfer.values = values;
    transfer.entries = message_handles(message);
    transfer.count = num_handles;
    transfer.carrier = &end->object;
    transfer.carrier_index = HANDLE_TRANSFER_NOWHERE;
    status = handle_transfer_begin(&transfer, errors);
    if (likely(status == ZX_OK)) {
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

/* Any message, of both generations. On failure the handles stay. */
static inline zx_status_t write_message(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                                        uint32_t num_bytes, user_in(zx_handle_t) handles,
                                        uint32_t num_handles,
                                        const struct handle_transfer_errors* errors) {
    struct object* object = NULL;
    if (unlikely(options != 0))
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = get_writable(handle, &object);
    if (unlikely(status != ZX_OK))
        return status;
    struct message_end* end = message_end_from(object);
    if (unlikely(num_bytes > ZX_CHANNEL_MAX_MSG_BYTES || num_handles > ZX_CHANNEL_MAX_MSG_HANDLES))
        status = ZX_ERR_OUT_OF_RANGE;
    else if (num_handles == 0)
        status = write_bytes(end, bytes, num_bytes);
    else
        status = write_with_handles(end, bytes, num_bytes, handles, num_handles, errors);
    object_release(object);
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
    if (is_small(options, num_bytes, num_handles))
        return write_small(handle, bytes, num_bytes);
    return write_or_discard(handle, options, bytes, num_bytes, handles, num_handles);
}

zx_status_t sys_mx_channel_write(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                                 uint32_t num_bytes, user_in(zx_handle_t) handles,
                                 uint32_t num_handles) {
    if (is_small(options, num_bytes, num_handles))
        return write_small(handle, bytes, num_bytes);
    return write_or_keep(handle, options, bytes, num_bytes, handles, num_handles);
}

/* --- reading -------------------------------------------------------------------------------- */

/* Whatever the quick way does not do. Apart, so that it costs the quick way nothing. */
static NOINLINE zx_status_t read_message(struct message_end* end, uint32_t options,
                                         user_out(void) bytes, user_out(zx_handle_t) handles,
                                         uint32_t num_bytes, uint32_t num_handles,
                                         user_out(uint32_t) actual_bytes,
                                         user_out(uint32_t) actual_handles) {
    const struct message_target target = {
        .table = current_handles(),
        .bytes = bytes.address,
        .handles = handles.address,
        .bytes_room = num_bytes,
        .handles_room = num_handles,
        .actual_bytes = actual_bytes.address,
        .actual_handles = actual_handles.address,
        .may_discard = options & READ_MAY_DISCARD,
    };
    if ((num_bytes > 0 && user_is_null(bytes)) || (num_handles > 0 && user_is_null(handles)))
        return ZX_ERR_INVALID_ARGS;
    return message_end_read(end, &target);
}

zx_status_t sys_channel_read(zx_handle_t handle, uint32_t options, user_out(void) bytes,
                             user_out(zx_handle_t) handles, uint32_t num_bytes,
                             uint32_t num_handles, user_out(uint32_t) actual_bytes,
                             user_out(uint32_t) actual_handles) {
    struct object* object = NULL;
    if (unlikely(options & ~READ_MAY_DISCARD))
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status =
        handle_table_lookup(current_handles(), handle, ZX_OBJ_TYPE_CHANNEL, ZX_RIGHT_READ, &object);
    if (unlikely(status != ZX_OK))
        return status;
    struct message_end* end = message_end_from(object);
    bool has_places = (num_handles == 0 || !user_is_null(handles)) && !user_is_null(bytes);
    if (unlikely(!has_places ||
                 !message_end_read_small(end, bytes.address, num_bytes, actual_bytes.address,
                                         actual_handles.address)))
        status = read_message(end, options, bytes, handles, num_bytes, num_handles, actual_bytes,
                              actual_handles);
    object_release(object);
    return status;
}
