/* Message pipes, Magenta 2016. */
#include <syscalls/prototypes.h>

#include <abi/pipes.h>
#include <ipc/message_end.h>
#include <ipc/message_pipe.h>
#include <syscall/handle_helpers.h>

zx_status_t sys_mx_msgpipe_create(user_out(zx_handle_t) handles, uint32_t flags) {
    if (flags & ~MX_FLAG_REPLY_PIPE)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = process_check_policy(ZX_POL_NEW_CHANNEL);
    if (status != ZX_OK)
        return status;
    struct message_end *end0, *end1;
    status = message_pipe_create(flags & MX_FLAG_REPLY_PIPE, &end0, &end1);
    if (status != ZX_OK)
        return status;
    user_out(zx_handle_t) second = {handles.address + sizeof(zx_handle_t)};
    return handle_install_pair_out(&end0->object, MESSAGE_PIPE_DEFAULT_RIGHTS, handles,
                                   &end1->object, MESSAGE_PIPE_DEFAULT_RIGHTS, second);
}

/* Returns the 2016 name of an error. */
static zx_status_t as_2016_says(zx_status_t status, struct user_span handles) {
    (void)handles; /* the handles stay with the caller */
    switch (status) {
    case ZX_ERR_BAD_HANDLE:
    case ZX_ERR_WRONG_TYPE:
        return ZX_ERR_INVALID_ARGS;
    case ZX_ERR_OUT_OF_RANGE:
        return ZX_ERR_2016_TOO_BIG;
    case ZX_ERR_PEER_CLOSED:
        return ZX_ERR_BAD_STATE;
    default:
        return status;
    }
}

zx_status_t sys_mx_msgpipe_write(zx_handle_t handle, user_in(void) bytes, uint32_t num_bytes,
                                 user_in(zx_handle_t) handles, uint32_t num_handles,
                                 uint32_t flags) {
    static const struct message_rules rules = {
        .type = ZX_OBJ_TYPE_MSGPIPE,
        .errors = {.repeated = ZX_ERR_INVALID_ARGS, .invalid = ZX_ERR_INVALID_ARGS},
        .on_failure = as_2016_says,
    };
    if (flags != 0)
        return ZX_ERR_INVALID_ARGS;
    return message_end_write(handle, &rules, (struct user_span){bytes.address, num_bytes},
                             (struct user_span){handles.address, num_handles});
}

/* *num_bytes and *num_handles are the rooms before the call, and the sizes after it. NULL stands
 * for no room. */
zx_status_t sys_mx_msgpipe_read(zx_handle_t handle, user_out(void) bytes,
                                user_inout(uint32_t) num_bytes, user_out(zx_handle_t) handles,
                                user_inout(uint32_t) num_handles, uint32_t flags) {
    struct message_room room = {
        .bytes = bytes.address,
        .handles = handles.address,
        .actual_bytes = num_bytes.address,
        .actual_handles = num_handles.address,
        .may_discard = flags,
    };
    if (flags & ~MX_MSGPIPE_READ_FLAG_MAY_DISCARD)
        return ZX_ERR_INVALID_ARGS;
    if (!user_load_words(num_bytes.address, &room.byte_room, num_handles.address,
                         &room.handle_room))
        return message_end_fault(handle, ZX_OBJ_TYPE_MSGPIPE, ZX_RIGHT_READ, ZX_ERR_INVALID_ARGS);
    return message_end_read(handle, ZX_OBJ_TYPE_MSGPIPE, room);
}
