/* channel_call, of both generations. */
#include <syscalls/prototypes.h>

#include <ipc/message_call.h>
#include <syscall/message_write.h>

#define CALL_RIGHTS (ZX_RIGHT_READ | ZX_RIGHT_WRITE)

/* What was asked for. */
struct channel_call {
    zx_handle_t handle;
    uint32_t options;
    zx_time_t deadline;
    zx_channel_call_args_t args;
    uintptr_t actual_bytes, actual_handles;
    uintptr_t read_status; /* 2017; 0: not wanted */
};

/* What the two generations do not have in common. */
struct generation {
    bool must_pick_id; /* the kernel does; else the id is the caller's */
    bool has_read_status;
    struct handle_transfer_errors errors;
};
static const struct generation generation_2018 = {
    .must_pick_id = true,
    .errors = {.repeated = ZX_ERR_BAD_HANDLE, .invalid = ZX_ERR_BAD_HANDLE},
};
static const struct generation generation_2017 = {
    .has_read_status = true,
    .errors = {.repeated = ZX_ERR_INVALID_ARGS, .invalid = ZX_ERR_BAD_HANDLE},
};

static struct message_request request_of(const struct channel_call* call) {
    const zx_channel_call_args_t* args = &call->args;
    return (struct message_request){
        .table = current_handles(),
        .bytes = (uintptr_t)args->rd_bytes,
        .handles = (uintptr_t)args->rd_handles,
        .bytes_room = args->rd_num_bytes,
        .handles_room = args->rd_num_handles,
        .actual_bytes = call->actual_bytes,
        .actual_handles = call->actual_handles,
        .has_places = (args->rd_num_bytes == 0 || args->rd_bytes) &&
                      (args->rd_num_handles == 0 || args->rd_handles),
    };
}

static NOINLINE zx_status_t receive_any(const struct channel_call* call, struct message* reply) {
    const struct message_request request = request_of(call);
    return message_receive(reply, &request);
}

/* The usual reply: few bytes, no handles. */
static ALWAYS_INLINE zx_status_t receive(const struct channel_call* call, struct message* reply) {
    uint32_t size = reply->byte_count;
    if (unlikely(!message_is_small(reply) || size > call->args.rd_num_bytes) ||
        unlikely(!user_copy_out_with_words((uintptr_t)call->args.rd_bytes, reply->payload, size,
                                           call->actual_bytes, size, call->actual_handles, 0)))
        return receive_any(call, reply);
    message_free_small(reply);
    return ZX_OK;
}

/* --- the usual call: few bytes, no handles ------------------------------------------------------
 */

/* Whether it may be one, as far as the arguments tell. */
static inline bool may_be_small(const struct channel_call* call) {
    const zx_channel_call_args_t* args = &call->args;
    return likely(args->wr_num_bytes >= sizeof(uint32_t) &&
                  args->wr_num_bytes <= MESSAGE_SMALL_ROOM && args->rd_bytes &&
                  args->rd_num_bytes <= USER_SMALL_MAX &&
                  args->rd_num_handles <= ZX_CHANNEL_MAX_MSG_HANDLES &&
                  (call->options | args->wr_num_handles) == 0);
}

/* The places that are seldom wanted, and only looked at if they are. */
static ALWAYS_INLINE bool other_places_are_good(const struct channel_call* call,
                                                const struct generation* generation) {
    uint32_t count = call->args.rd_num_handles;
    if (unlikely(count > 0) &&
        !(call->args.rd_handles &&
          user_touch_small((uintptr_t)call->args.rd_handles, count * sizeof(zx_handle_t))))
        return false;
    return !generation->has_read_status || !call->read_status ||
           likely(user_touch_small(call->read_status, sizeof(zx_status_t)));
}

/* Writes the message, and `waiting` waits for the reply. False: nothing was done, and the long way
 * tells why. */
static ALWAYS_INLINE bool write_small(const struct channel_call* call,
                                      const struct generation* generation,
                                      struct message_call* waiting) {
    const zx_channel_call_args_t* args = &call->args;
    struct handle_table* table = current_handles();
    struct handle_slot* slot;
    struct message* message;
    if (unlikely(!user_touch_with_words((uintptr_t)args->rd_bytes, args->rd_num_bytes,
                                        call->actual_bytes, call->actual_handles)) ||
        unlikely(!other_places_are_good(call, generation)))
        return false;
    preempt_disable();
    if (unlikely(!message_create_small_inner((uintptr_t)args->wr_bytes, args->wr_num_bytes, 0,
                                             &message)))
        goto give_up;
    if (unlikely(handle_hold_inner(table, call->handle, ZX_OBJ_TYPE_CHANNEL, CALL_RIGHTS, &slot) !=
                 ZX_OK))
        goto free_message;
    struct message_end* end = message_end_from(slot->object);
    handle_slot_note_observer(slot);
    spin_lock_inner(end->object.lock);
    message_call_begin_locked(waiting, end, table, call->handle, message, generation->must_pick_id);
    handle_let_go_outer(slot, call->handle);
    if (unlikely(message_end_push_locked(end, message, args->wr_num_bytes, 0) != ZX_OK))
        goto cancel;
    spin_unlock(end->object.lock);
    return true;

cancel:
    message_call_cancel_locked(waiting);
    spin_unlock_inner(end->object.lock);
free_message:
    message_free_small_inner(message);
give_up:
    preempt_enable();
    return false;
}

/* --- any call -----------------------------------------------------------------------------------
 */

/* Every place that will be written to is looked at before anything happens. */
static bool places_are_good(const struct channel_call* call) {
    const struct message_request request = request_of(call);
    return message_request_is_good(&request) &&
           (!call->read_status || user_touch_small(call->read_status, sizeof(zx_status_t)));
}

static inline zx_status_t prepare(const struct channel_call* call,
                                  const struct generation* generation,
                                  const struct message_source* source, zx_handle_t* values,
                                  struct message** message) {
    zx_status_t status = message_prepare(source, values, message);
    if (unlikely(status != ZX_OK))
        return status;
    bool has_room_for_id = !generation->must_pick_id || source->num_bytes >= sizeof(uint32_t);
    if (likely(has_room_for_id && places_are_good(call)))
        return ZX_OK;
    message_free(*message);
    return ZX_ERR_INVALID_ARGS;
}

/* With the table locked: the handles leave it, the message joins the queue, and from then on
 * `waiting` waits for the reply; all in one step. */
static inline zx_status_t write_locked(const struct generation* generation,
                                       const struct message_source* source, struct message* message,
                                       struct handle_transfer* transfer,
                                       struct message_call* waiting) {
    struct handle_table* table = transfer->table;
    struct handle_slot* slot;
    zx_status_t status =
        handle_table_check_locked(table, source->handle, source->type, CALL_RIGHTS, &slot);
    if (unlikely(status != ZX_OK)) {
        handle_fault(table, status);
        return status;
    }
    struct message_end* end = message_end_from(slot->object);
    size_t size = message_queued_size(message);
    uint32_t count = transfer->count;
    status = message_take_handles_locked(source, end, transfer);
    if (unlikely(status != ZX_OK))
        return status;
    handle_slot_note_observer(slot);
    spin_lock_inner(end->object.lock);
    message_call_begin_locked(waiting, end, table, source->handle, message,
                              generation->must_pick_id);
    status = message_end_push_locked(end, message, size, count);
    if (unlikely(status != ZX_OK))
        message_call_cancel_locked(waiting);
    spin_unlock_inner(end->object.lock);
    if (count > 0 && likely(status == ZX_OK))
        handle_transfer_commit_locked(transfer);
    else if (count > 0)
        handle_transfer_put_back_locked(transfer);
    return status;
}

/* On failure the handles stay. */
static NOINLINE zx_status_t write_any(const struct channel_call* call,
                                      const struct generation* generation,
                                      struct message_call* waiting) {
    const struct message_source source = {
        .handle = call->handle,
        .type = ZX_OBJ_TYPE_CHANNEL,
        .bytes = (uintptr_t)call->args.wr_bytes,
        .handles = (uintptr_t)call->args.wr_handles,
        .num_bytes = call->args.wr_num_bytes,
        .num_handles = call->args.wr_num_handles,
    };
    struct handle_table* table = current_handles();
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    struct message* message = NULL;
    if (call->options != 0)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = prepare(call, generation, &source, values, &message);
    if (unlikely(status != ZX_OK)) {
        zx_status_t of_handle = handle_table_check(table, source.handle, source.type, CALL_RIGHTS);
        return of_handle != ZX_OK ? of_handle : status;
    }
    struct handle_transfer transfer;
    transfer.table = table;
    transfer.values = values;
    transfer.entries = message_handles(message);
    transfer.count = source.num_handles;
    transfer.errors = &generation->errors;
    spin_lock(&table->lock);
    status = write_locked(generation, &source, message, &transfer, waiting);
    spin_unlock(&table->lock);
    if (unlikely(status != ZX_OK))
        message_free(message);
    else if (transfer.count > 0)
        handle_transfer_finish(&transfer);
    return status;
}

static ALWAYS_INLINE zx_status_t call_and_wait(const struct channel_call* call,
                                               const struct generation* generation,
                                               bool* is_written) {
    struct message_call waiting;
    if (!may_be_small(call) || unlikely(!write_small(call, generation, &waiting))) {
        zx_status_t status = write_any(call, generation, &waiting);
        *is_written = status == ZX_OK;
        if (status != ZX_OK)
            return status;
    }
    *is_written = true;
    struct message* reply;
    zx_status_t status = message_call_wait(&waiting, call->deadline, &reply);
    return likely(status == ZX_OK) ? receive(call, reply) : status;
}

/* --- the two generations ------------------------------------------------------------------------
 */

/* The arguments cannot be read. */
static NOINLINE zx_status_t refuse_args(const struct channel_call* call) {
    if (call->options != 0)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t of_handle =
        handle_table_check(current_handles(), call->handle, ZX_OBJ_TYPE_CHANNEL, CALL_RIGHTS);
    return of_handle != ZX_OK ? of_handle : ZX_ERR_INVALID_ARGS;
}

/* 2018: the kernel picks the id, and the handles are consumed whatever happens. */
zx_status_t sys_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                             user_in(zx_channel_call_args_t) args, user_out(uint32_t) actual_bytes,
                             user_out(uint32_t) actual_handles) {
    struct channel_call call;
    bool is_written;
    call.handle = handle;
    call.options = options;
    call.deadline = deadline;
    call.actual_bytes = actual_bytes.address;
    call.actual_handles = actual_handles.address;
    call.read_status = 0;
    if (unlikely(!user_copy_in_small(&call.args, args.address, sizeof(call.args))))
        return refuse_args(&call);
    zx_status_t status = call_and_wait(&call, &generation_2018, &is_written);
    if (unlikely(status != ZX_OK) && !is_written && call.args.wr_num_handles > 0) {
        user_in(zx_handle_t) handles = {(uintptr_t)call.args.wr_handles};
        (void)handle_close_user_array(handles, call.args.wr_num_handles);
    }
    return status;
}

/* 2017: the id is the caller's, and the handles are the caller's until the message is written. A
 * failure after that is CALL_FAILED, with the reason in *read_status; only the deadline is
 * TIMED_OUT itself. */
zx_status_t sys_mx_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                user_in(zx_channel_call_args_t) args,
                                user_out(uint32_t) actual_bytes, user_out(uint32_t) actual_handles,
                                user_out(zx_status_t) read_status) {
    struct channel_call call;
    bool is_written;
    call.handle = handle;
    call.options = options;
    call.deadline = deadline;
    call.actual_bytes = actual_bytes.address;
    call.actual_handles = actual_handles.address;
    call.read_status = read_status.address;
    if (unlikely(!user_copy_in_small(&call.args, args.address, sizeof(call.args))))
        return refuse_args(&call);
    zx_status_t status = call_and_wait(&call, &generation_2017, &is_written);
    if (likely(status == ZX_OK) || !is_written)
        return status;
    if (!user_is_null(read_status))
        (void)user_write(read_status, &status, 1);
    return status == ZX_ERR_TIMED_OUT ? status : ZX_ERR_CALL_FAILED;
}
