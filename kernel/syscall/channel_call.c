/* channel_call, of both generations. */
#include <syscalls/prototypes.h>

#include <object/message_call.h>
#include <syscall/message_write.h>

#define CALL_RIGHTS (ZX_RIGHT_READ | ZX_RIGHT_WRITE)

/* What was asked for, and how far it came. */
struct channel_call {
    struct message_source source;
    struct message_request request;
    zx_time_t deadline;
    uintptr_t read_status; /* 2017; 0: not wanted */
    bool must_pick_id;     /* 2018 */
    bool is_written;
    const struct handle_transfer_errors* errors;
};

/* Every place that will be written to is looked at before anything happens. */
static bool places_are_good(const struct channel_call* call) {
    return message_request_is_good(&call->request) &&
           (!call->read_status || user_touch_small(call->read_status, sizeof(zx_status_t)));
}

static ALWAYS_INLINE zx_status_t prepare(const struct channel_call* call, zx_handle_t* values,
                                         struct message** message) {
    zx_status_t status = message_prepare(&call->source, values, message);
    if (unlikely(status != ZX_OK))
        return status;
    bool has_room_for_id = !call->must_pick_id || call->source.num_bytes >= sizeof(uint32_t);
    if (likely(has_room_for_id && places_are_good(call)))
        return ZX_OK;
    message_free(*message);
    return ZX_ERR_INVALID_ARGS;
}

/* With the table locked: the handles leave it, the message joins the queue, and from then on
 * `waiting` waits for the reply; all in one step. */
static ALWAYS_INLINE zx_status_t write_locked(const struct channel_call* call,
                                              struct message* message,
                                              struct handle_transfer* transfer,
                                              struct message_call* waiting) {
    struct handle_table* table = transfer->table;
    zx_handle_t handle = call->source.handle;
    struct handle_slot* slot;
    zx_status_t status =
        handle_table_check_locked(table, handle, ZX_OBJ_TYPE_CHANNEL, CALL_RIGHTS, &slot);
    if (unlikely(status != ZX_OK))
        return status;
    struct message_end* end = message_end_from(slot->object);
    uint32_t count = transfer->count;
    status = message_take_handles_locked(&call->source, end, transfer);
    if (unlikely(status != ZX_OK))
        return status;
    spin_lock_inner(end->object.lock);
    message_call_begin_locked(waiting, end, table, handle, message, call->must_pick_id);
    status = message_end_push_locked(end, message, message_queued_size(message), count);
    if (unlikely(status != ZX_OK))
        message_call_cancel_locked(waiting);
    spin_unlock_inner(end->object.lock);
    if (count > 0 && likely(status == ZX_OK))
        handle_transfer_commit_locked(transfer);
    else if (count > 0)
        handle_transfer_put_back_locked(transfer);
    return status;
}

/* Until the reply is waited for. On failure the handles stay. */
static ALWAYS_INLINE zx_status_t write_message(const struct channel_call* call,
                                               struct message_call* waiting) {
    struct handle_table* table = call->request.table;
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    struct message* message = NULL;
    zx_status_t status = prepare(call, values, &message);
    if (unlikely(status != ZX_OK)) {
        zx_status_t of_handle =
            handle_table_check(table, call->source.handle, ZX_OBJ_TYPE_CHANNEL, CALL_RIGHTS);
        return of_handle != ZX_OK ? of_handle : status;
    }
    struct handle_transfer transfer;
    transfer.table = table;
    transfer.values = values;
    transfer.entries = message_handles(message);
    transfer.count = call->source.num_handles;
    transfer.errors = call->errors;
    spin_lock(&table->lock);
    status = write_locked(call, message, &transfer, waiting);
    spin_unlock(&table->lock);
    if (unlikely(status != ZX_OK))
        message_free(message);
    else if (transfer.count > 0)
        handle_transfer_finish(&transfer);
    return status;
}

static zx_status_t call_and_wait(struct channel_call* call) {
    struct message_call waiting;
    zx_status_t status = write_message(call, &waiting);
    if (unlikely(status != ZX_OK))
        return status;
    call->is_written = true;
    struct message* reply;
    status = message_call_wait(&waiting, call->deadline, &reply);
    return likely(status == ZX_OK) ? message_receive(reply, &call->request) : status;
}

static ALWAYS_INLINE zx_status_t run(struct channel_call* call, zx_handle_t handle,
                                     uint32_t options, const zx_channel_call_args_t* args,
                                     uintptr_t actual_bytes, uintptr_t actual_handles) {
    if (unlikely(options != 0))
        return ZX_ERR_INVALID_ARGS;
    call->source = (struct message_source){
        .handle = handle,
        .type = ZX_OBJ_TYPE_CHANNEL,
        .bytes = (uintptr_t)args->wr_bytes,
        .handles = (uintptr_t)args->wr_handles,
        .num_bytes = args->wr_num_bytes,
        .num_handles = args->wr_num_handles,
    };
    call->request = (struct message_request){
        .table = current_handles(),
        .bytes = (uintptr_t)args->rd_bytes,
        .handles = (uintptr_t)args->rd_handles,
        .bytes_room = args->rd_num_bytes,
        .handles_room = args->rd_num_handles,
        .actual_bytes = actual_bytes,
        .actual_handles = actual_handles,
        .has_places = (args->rd_num_bytes == 0 || args->rd_bytes) &&
                      (args->rd_num_handles == 0 || args->rd_handles),
    };
    call->is_written = false;
    return call_and_wait(call);
}

/* The arguments cannot be read. */
static NOINLINE zx_status_t refuse_args(zx_handle_t handle, uint32_t options) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t of_handle =
        handle_table_check(current_handles(), handle, ZX_OBJ_TYPE_CHANNEL, CALL_RIGHTS);
    return of_handle != ZX_OK ? of_handle : ZX_ERR_INVALID_ARGS;
}

/* 2018: the kernel picks the id, and the handles are consumed whatever happens. */
zx_status_t sys_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                             user_in(zx_channel_call_args_t) args_user,
                             user_out(uint32_t) actual_bytes, user_out(uint32_t) actual_handles) {
    static const struct handle_transfer_errors errors = {.repeated = ZX_ERR_BAD_HANDLE,
                                                         .invalid = ZX_ERR_BAD_HANDLE};
    zx_channel_call_args_t args;
    if (unlikely(!user_copy_in_small(&args, args_user.address, sizeof(args))))
        return refuse_args(handle, options);
    struct channel_call call = {.deadline = deadline, .must_pick_id = true, .errors = &errors};
    zx_status_t status =
        run(&call, handle, options, &args, actual_bytes.address, actual_handles.address);
    if (unlikely(status != ZX_OK) && !call.is_written && args.wr_num_handles > 0) {
        user_in(zx_handle_t) handles = {(uintptr_t)args.wr_handles};
        (void)handle_close_user_array(handles, args.wr_num_handles);
    }
    return status;
}

/* 2017: the id is the caller's, and the handles are the caller's until the message is written. */
zx_status_t sys_mx_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                user_in(zx_channel_call_args_t) args_user,
                                user_out(uint32_t) actual_bytes, user_out(uint32_t) actual_handles,
                                user_out(zx_status_t) read_status) {
    static const struct handle_transfer_errors errors = {.repeated = ZX_ERR_INVALID_ARGS,
                                                         .invalid = ZX_ERR_BAD_HANDLE};
    zx_channel_call_args_t args;
    if (unlikely(!user_copy_in_small(&args, args_user.address, sizeof(args))))
        return refuse_args(handle, options);
    struct channel_call call = {
        .deadline = deadline, .read_status = read_status.address, .errors = &errors};
    zx_status_t status =
        run(&call, handle, options, &args, actual_bytes.address, actual_handles.address);
    if (likely(status == ZX_OK) || !call.is_written)
        return status;
    if (!user_is_null(read_status))
        (void)user_write(read_status, &status, 1);
    return ZX_ERR_CALL_FAILED;
}
