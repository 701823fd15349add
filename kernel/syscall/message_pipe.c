/* Message pipes, Magenta 2016. */
#include <syscalls/prototypes.h>

#include <abi/pipes.h>
#include <ipc/message_pipe.h>
#include <syscall/message_write.h>

zx_status_t sys_mx_msgpipe_create(user_out(zx_handle_t) handles, uint32_t flags) {
    if (flags & ~MX_FLAG_REPLY_PIPE)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = process_check_policy(ZX_POL_NEW_CHANNEL);
    if (unlikely(status != ZX_OK))
        return status;
    struct message_end *end0, *end1;
    status = message_pipe_create(flags & MX_FLAG_REPLY_PIPE, &end0, &end1);
    if (status != ZX_OK)
        return status;
    user_out(zx_handle_t) second = {handles.address + sizeof(zx_handle_t)};
    return handle_install_pair_out(&end0->object, MESSAGE_PIPE_DEFAULT_RIGHTS, handles,
                                   &end1->object, MESSAGE_PIPE_DEFAULT_RIGHTS, second);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* This generation's words for what can go wrong. */
static zx_status_t as_2016_says(zx_status_t status) {
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

static NOINLINE zx_status_t write_any(const struct message_source* source) {
    static const struct handle_transfer_errors errors = {.repeated = ZX_ERR_INVALID_ARGS,
                                                         .invalid = ZX_ERR_INVALID_ARGS};
    zx_status_t status = message_write(source, &errors);
    if (unlikely(status != ZX_OK))
        return as_2016_says(status);
    object_collect_if_due(message_cycle_collect);
    return ZX_OK;
}

static const user_in(zx_handle_t) no_handles;

static NOINLINE zx_status_t write_slowly(zx_handle_t handle, user_in(void) bytes,
                                         uint32_t num_bytes, user_in(zx_handle_t) handles,
                                         uint32_t num_handles, uint32_t flags) {
    if (flags != 0)
        return ZX_ERR_INVALID_ARGS;
    const struct message_source source = {.handle = handle,
                                          .type = ZX_OBJ_TYPE_MSGPIPE,
                                          .bytes = bytes.address,
                                          .handles = handles.address,
                                          .num_bytes = num_bytes,
                                          .num_handles = num_handles};
    return write_any(&source);
}

zx_status_t sys_mx_msgpipe_write(zx_handle_t handle, user_in(void) bytes, uint32_t num_bytes,
                                 user_in(zx_handle_t) handles, uint32_t num_handles,
                                 uint32_t flags) {
    if (message_is_small_to_write(num_bytes, flags | num_handles)) {
        zx_status_t status = message_write_small(handle, ZX_OBJ_TYPE_MSGPIPE, bytes, num_bytes);
        if (likely(status != MESSAGE_NOT_WRITTEN))
            return likely(status == ZX_OK) ? ZX_OK : as_2016_says(status);
        return write_slowly(handle, bytes, num_bytes, no_handles, 0, 0);
    }
    return write_slowly(handle, bytes, num_bytes, handles, num_handles, flags);
}

/* --- reading ---------------------------------------------------------------------------------- */

static NOINLINE zx_status_t read_any(zx_handle_t handle, uintptr_t bytes, uintptr_t num_bytes,
                                     uintptr_t handles, uintptr_t num_handles, uint32_t flags) {
    uint32_t bytes_room = 0, handles_room = 0;
    if (flags & ~MX_MSGPIPE_READ_FLAG_MAY_DISCARD)
        return ZX_ERR_INVALID_ARGS;
    if ((num_bytes && !user_read_word(&bytes_room, num_bytes)) ||
        (num_handles && !user_read_word(&handles_room, num_handles))) {
        zx_status_t of_handle =
            handle_table_check(current_handles(), handle, ZX_OBJ_TYPE_MSGPIPE, ZX_RIGHT_READ);
        return of_handle != ZX_OK ? of_handle : ZX_ERR_INVALID_ARGS;
    }
    const struct message_request request = {
        .table = current_handles(),
        .handle = handle,
        .type = ZX_OBJ_TYPE_MSGPIPE,
        .bytes = bytes,
        .handles = handles,
        .bytes_room = bytes_room,
        .handles_room = handles_room,
        .actual_bytes = num_bytes,
        .actual_handles = num_handles,
        .has_places = (bytes_room == 0 || bytes) && (handles_room == 0 || handles),
        .may_discard = flags & MX_MSGPIPE_READ_FLAG_MAY_DISCARD,
    };
    return message_end_read(&request);
}

/* A small message without handles goes the quick way, whatever room there is for handles. */
zx_status_t sys_mx_msgpipe_read(zx_handle_t handle, user_out(void) bytes,
                                user_inout(uint32_t) num_bytes, user_out(zx_handle_t) handles,
                                user_inout(uint32_t) num_handles, uint32_t flags) {
    uint32_t bytes_room, handles_room = 0;
    if (likely(flags == 0 && !user_is_null(bytes)) &&
        likely(
            user_load_words(num_bytes.address, &bytes_room, num_handles.address, &handles_room)) &&
        likely(handles_room == 0 || !user_is_null(handles)) &&
        likely(message_end_read_small(current_handles(), handle, ZX_OBJ_TYPE_MSGPIPE, bytes.address,
                                      bytes_room, num_bytes.address, num_handles.address)))
        return ZX_OK;
    return read_any(handle, bytes.address, num_bytes.address, handles.address, num_handles.address,
                    flags);
}
