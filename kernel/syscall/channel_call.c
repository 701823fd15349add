/* channel_call, of both generations. */
#include <syscalls/prototypes.h>

#include <ipc/message_call_run.h>
#include <ipc/message_end.h>
#include <syscall/handle_helpers.h>

/* Fills in the part of the request that both generations have. */
static inline zx_status_t fetch(struct message_call_request* request, zx_handle_t handle,
                                uint32_t options, zx_time_t deadline,
                                user_in(zx_channel_call_args_t) args,
                                user_out(uint32_t) actual_bytes,
                                user_out(uint32_t) actual_handles) {
    request->handle = handle;
    request->deadline = deadline;
    request->actual_bytes = actual_bytes.address;
    request->actual_handles = actual_handles.address;
    bool can_read = user_copy_in_small(&request->args, args.address, sizeof(request->args));
    if (!can_read)
        request->args.wr_num_handles = 0; /* no handles are known yet */
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    return can_read ? ZX_OK
                    : message_end_fault(handle, ZX_OBJ_TYPE_CHANNEL, MESSAGE_CALL_RIGHTS,
                                        ZX_ERR_INVALID_ARGS);
}

/* 2018: the kernel picks the id. The handles are consumed, also on failure. */
zx_status_t sys_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                             user_in(zx_channel_call_args_t) args, user_out(uint32_t) actual_bytes,
                             user_out(uint32_t) actual_handles) {
    static const struct message_rules rules = {
        .type = ZX_OBJ_TYPE_CHANNEL,
        .errors = {.repeated = ZX_ERR_BAD_HANDLE, .invalid = ZX_ERR_BAD_HANDLE},
    };
    struct message_call_request request;
    bool is_written = false;
    zx_status_t status =
        fetch(&request, handle, options, deadline, args, actual_bytes, actual_handles);
    request.rules = &rules;
    request.must_pick_id = true;
    request.status_place = 0;
    if (status == ZX_OK)
        status = message_call_run(&request, &is_written);
    uint32_t num_handles = request.args.wr_num_handles;
    if (status != ZX_OK && !is_written && num_handles > 0) {
        user_in(zx_handle_t) handles = {(uintptr_t)request.args.wr_handles};
        (void)handle_close_user_array(handles, num_handles);
    }
    return status;
}

/* 2017: the id is the caller's, and the handles are the caller's until the message is written. A
 * later failure returns CALL_FAILED, with the reason in *read_status. Only the deadline returns
 * TIMED_OUT. */
zx_status_t sys_mx_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                user_in(zx_channel_call_args_t) args,
                                user_out(uint32_t) actual_bytes, user_out(uint32_t) actual_handles,
                                user_out(zx_status_t) read_status) {
    static const struct message_rules rules = {
        .type = ZX_OBJ_TYPE_CHANNEL,
        .errors = {.repeated = ZX_ERR_INVALID_ARGS, .invalid = ZX_ERR_BAD_HANDLE},
    };
    struct message_call_request request;
    bool is_written = false;
    zx_status_t status =
        fetch(&request, handle, options, deadline, args, actual_bytes, actual_handles);
    request.rules = &rules;
    request.must_pick_id = false;
    request.status_place = read_status.address;
    if (status == ZX_OK)
        status = message_call_run(&request, &is_written);
    if (status == ZX_OK || !is_written)
        return status;
    if (!user_is_null(read_status))
        (void)user_write(read_status, &status, 1);
    return status == ZX_ERR_TIMED_OUT ? status : ZX_ERR_CALL_FAILED;
}
