#include <syscalls/prototypes.h>

#include <ipc/channel.h>
#include <syscall/message_write.h>

#define READ_MAY_DISCARD 1u

zx_status_t sys_channel_create(uint32_t options, user_out(zx_handle_t) out0,
                               user_out(zx_handle_t) out1) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = process_check_policy(ZX_POL_NEW_CHANNEL);
    if (unlikely(status != ZX_OK))
        return status;
    struct message_end *end0, *end1;
    status = channel_create(&end0, &end1);
    if (status != ZX_OK)
        return status;
    return handle_install_pair_out(&end0->object, CHANNEL_DEFAULT_RIGHTS, out0, &end1->object,
                                   CHANNEL_DEFAULT_RIGHTS, out1);
}

/* --- writing ---------------------------------------------------------------------------------- */

static ALWAYS_INLINE zx_status_t write_message(zx_handle_t handle, uint32_t options,
                                               user_in(void) bytes, uint32_t num_bytes,
                                               user_in(zx_handle_t) handles, uint32_t num_handles,
                                               const struct handle_transfer_errors* errors) {
    const struct message_source source = {.handle = handle,
                                          .type = ZX_OBJ_TYPE_CHANNEL,
                                          .bytes = bytes.address,
                                          .handles = handles.address,
                                          .num_bytes = num_bytes,
                                          .num_handles = num_handles};
    return unlikely(options != 0) ? ZX_ERR_INVALID_ARGS : message_write(&source, errors);
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

static const user_in(zx_handle_t) no_handles;

zx_status_t sys_channel_write(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                              uint32_t num_bytes, user_in(zx_handle_t) handles,
                              uint32_t num_handles) {
    if (message_is_small_to_write(num_bytes, options | num_handles)) {
        zx_status_t status = message_write_small(handle, ZX_OBJ_TYPE_CHANNEL, bytes, num_bytes);
        if (likely(status != MESSAGE_NOT_WRITTEN))
            return status;
        return write_or_discard(handle, 0, bytes, num_bytes, no_handles, 0);
    }
    return write_or_discard(handle, options, bytes, num_bytes, handles, num_handles);
}

zx_status_t sys_mx_channel_write(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                                 uint32_t num_bytes, user_in(zx_handle_t) handles,
                                 uint32_t num_handles) {
    if (message_is_small_to_write(num_bytes, options | num_handles)) {
        zx_status_t status = message_write_small(handle, ZX_OBJ_TYPE_CHANNEL, bytes, num_bytes);
        if (likely(status != MESSAGE_NOT_WRITTEN))
            return status;
        return write_or_keep(handle, 0, bytes, num_bytes, no_handles, 0);
    }
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
