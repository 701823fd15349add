/* Channels: creating, writing, reading. */
#include <syscalls/prototypes.h>

#include <ipc/channel.h>
#include <ipc/message_quick.h>
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

static const struct message_rules rules_2018 = {
    .type = ZX_OBJ_TYPE_CHANNEL,
    .errors = {.repeated = ZX_ERR_BAD_HANDLE, .invalid = ZX_ERR_BAD_HANDLE},
};

/* Whatever goes wrong, every valid handle of the array is closed, however long it is. */
static NOINLINE zx_status_t write_or_discard(zx_handle_t handle, uint32_t options,
                                             struct user_span bytes, struct user_span handles) {
    zx_status_t status =
        options == 0 ? message_end_write(handle, &rules_2018, bytes, handles) : ZX_ERR_INVALID_ARGS;
    if (unlikely(status != ZX_OK) && handles.count > 0)
        (void)handle_close_user_array((user_in(zx_handle_t)){handles.address}, handles.count);
    return status;
}

zx_status_t sys_channel_write(zx_handle_t handle, uint32_t options, user_in(void) bytes,
                              uint32_t num_bytes, user_in(zx_handle_t) handles,
                              uint32_t num_handles) {
    /* Saves 60 of 436 instructions of a write and a read of 64 bytes. */
    if (QUICK(channel_write, (options | num_handles) == 0 && num_bytes <= MESSAGE_SMALL_ROOM) &&
        message_write_quickly(handle, ZX_OBJ_TYPE_CHANNEL, bytes.address, num_bytes))
        return ZX_OK;
    return write_or_discard(handle, options, (struct user_span){bytes.address, num_bytes},
                            (struct user_span){handles.address, num_handles});
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
    static const struct message_rules rules[] = {
        {.type = ZX_OBJ_TYPE_CHANNEL},
        [READ_MAY_DISCARD] = {.type = ZX_OBJ_TYPE_CHANNEL, .may_discard = true},
    };
    /* Saves 65 of 441 instructions of a write and a read of 64 bytes. */
    if (QUICK(channel_read,
              options == 0 && bytes.address && (num_handles == 0 || handles.address)) &&
        likely(message_read_quickly(handle, ZX_OBJ_TYPE_CHANNEL, bytes.address, num_bytes,
                                    actual_bytes.address, actual_handles.address)))
        return ZX_OK;
    if (options & ~READ_MAY_DISCARD)
        return ZX_ERR_INVALID_ARGS;
    return message_end_read(handle, &rules[options], bytes.address, handles.address, num_bytes,
                            num_handles, actual_bytes.address, actual_handles.address);
}
