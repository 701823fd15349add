/* Channels: creating, writing, reading. */
#include <syscalls/prototypes.h>

#include <ipc/channel.h>
#include <ipc/message_end.h>
#include <syscall/handle_helpers.h>

#define READ_MAY_DISCARD 1u

zx_status_t sys_channel_create(uint32_t options, user_out(zx_handle_t) out0,
                               user_out(zx_handle_t) out1) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = process_check_policy(ZX_POL_NEW_CHANNEL);
    if (status != ZX_OK)
        return status;
    struct message_end *end0, *end1;
    status = channel_create(&end0, &end1);
    if (status != ZX_OK)
        return status;
    return handle_install_pair_out(&end0->object, CHANNEL_DEFAULT_RIGHTS, out0, &end1->object,
                                   CHANNEL_DEFAULT_RIGHTS, out1);
}

/* 2018: after any failure, every valid handle of the array is closed, however long the array is. */
static zx_status_t close_unsent(zx_status_t status, struct user_span handles) {
    if (handles.count > 0)
        (void)handle_close_user_array((user_in(zx_handle_t)){handles.address}, handles.count);
    return status;
}

zx_status_t sys_channel_write(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                              uint32_t num_bytes, user_in(zx_handle_t) handles,
                              uint32_t num_handles) {
    static const struct message_rules rules = {
        .type = ZX_OBJ_TYPE_CHANNEL,
        .errors = {.repeated = ZX_ERR_BAD_HANDLE, .invalid = ZX_ERR_BAD_HANDLE},
        .on_failure = close_unsent,
    };
    const struct user_span sent = {handles.address, num_handles};
    if (options != 0)
        return close_unsent(ZX_ERR_INVALID_ARGS, sent);
    return message_end_write(handle, &rules, (struct user_span){bytes.address, num_bytes}, sent);
}

/* 2017: on failure the handles stay with the caller. */
zx_status_t sys_mx_channel_write(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                                 uint32_t num_bytes, user_in(zx_handle_t) handles,
                                 uint32_t num_handles) {
    static const struct message_rules rules = {
        .type = ZX_OBJ_TYPE_CHANNEL,
        .errors = {.repeated = ZX_ERR_INVALID_ARGS, .invalid = ZX_ERR_BAD_HANDLE},
    };
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    return message_end_write(handle, &rules, (struct user_span){bytes.address, num_bytes},
                             (struct user_span){handles.address, num_handles});
}

zx_status_t sys_channel_read(zx_handle_t handle, uint32_t options, user_out(void) bytes,
                             user_out(zx_handle_t) handles, uint32_t num_bytes,
                             uint32_t num_handles, user_out(uint32_t) actual_bytes,
                             user_out(uint32_t) actual_handles) {
    if (options & ~READ_MAY_DISCARD)
        return ZX_ERR_INVALID_ARGS;
    return message_end_read(handle, ZX_OBJ_TYPE_CHANNEL,
                            (struct message_room){.bytes = bytes.address,
                                                  .handles = handles.address,
                                                  .byte_room = num_bytes,
                                                  .handle_room = num_handles,
                                                  .actual_bytes = actual_bytes.address,
                                                  .actual_handles = actual_handles.address,
                                                  .may_discard = options});
}
