/* The numbers of the races are those of message_call.c. */
#include <ipc/message_call_run.h>

#include <ipc/message_end.h>
#include <ipc/message_quick.h>

/* Blocks until the call is decided; afterwards nobody knows of it any more. */
static ALWAYS_INLINE zx_status_t call_wait(struct message_call* call, zx_time_t deadline) {
    struct message_end* end = call->end;
    call->thread->wait = THREAD_WAIT_CHANNEL;
    do {
        zx_status_t status = thread_park(deadline);
        if (unlikely(status != ZX_OK))
            message_call_give_up(call, status);
    } while (!atomic_load_explicit(&call->is_decided, memory_order_acquire));
    call->thread->wait = THREAD_WAIT_OTHER;
    thread_hand_over_end();
    spin_wait_for_holder(end->object.lock); /* race 3 */
    object_release(&end->object);
    return call->result;
}

static inline struct message_room room_for_reply(const struct message_call_request* request) {
    const zx_channel_call_args_t* args = &request->args;
    return (struct message_room){
        .bytes = {(uintptr_t)args->rd_bytes, args->rd_num_bytes},
        .handles = {(uintptr_t)args->rd_handles, args->rd_num_handles},
        .actual_bytes = request->actual_bytes,
        .actual_handles = request->actual_handles,
    };
}

/* Every place that will be written to is looked at before anything happens. */
static bool call_is_good(const struct message_call_request* request) {
    const struct message_room room = room_for_reply(request);
    bool has_room_for_id = !request->must_pick_id || request->args.wr_num_bytes >= sizeof(uint32_t);
    return has_room_for_id && message_room_is_good(&room) &&
           (!request->status_place || user_touch_small(request->status_place, sizeof(zx_status_t)));
}

static NOINLINE zx_status_t call_write(const struct message_call_request* request,
                                       struct message_call* call, bool* is_written) {
    const zx_channel_call_args_t* args = &request->args;
    struct message* message;
    call->request = request;
    *is_written = false;
    zx_status_t status = message_create_from_user((uintptr_t)args->wr_bytes, args->wr_num_bytes,
                                                  args->wr_num_handles, &message);
    if (likely(status == ZX_OK) && unlikely(!call_is_good(request))) {
        message_free(message);
        status = ZX_ERR_INVALID_ARGS;
    }
    if (unlikely(status != ZX_OK))
        return message_end_fault(request->handle, request->rules->type, MESSAGE_CALL_RIGHTS,
                                 status);
    status = message_end_send(request->handle, request->rules, message, (uintptr_t)args->wr_handles,
                              call);
    *is_written = status == ZX_OK;
    return status;
}

static NOINLINE zx_status_t call_receive(const struct message_call_request* request,
                                         struct message* reply) {
    const struct message_room room = room_for_reply(request);
    return message_receive(reply, &room);
}

/* --- special paths for small messages without handles (ipc/message_quick.h) --------------------
 */

/* A message that is small both ways, to a handle without the status place. */
static ALWAYS_INLINE bool call_is_usual(const struct message_call_request* request) {
    const zx_channel_call_args_t* args = &request->args;
    return args->wr_num_bytes >= sizeof(uint32_t) && args->wr_num_bytes <= MESSAGE_SMALL_ROOM &&
           args->rd_num_bytes <= USER_SMALL_MAX && !request->status_place &&
           (args->wr_num_handles | args->rd_num_handles) == 0;
}

static ALWAYS_INLINE bool call_write_quickly(const struct message_call_request* request,
                                             struct message_call* call) {
    const zx_channel_call_args_t* args = &request->args;
    struct message_end* end;
    if (unlikely(!user_touch_with_words((uintptr_t)args->rd_bytes, args->rd_num_bytes,
                                        request->actual_bytes, request->actual_handles)))
        return false;
    preempt_disable();
    struct message* message = message_create_quickly((uintptr_t)args->wr_bytes, args->wr_num_bytes);
    if (unlikely(!message))
        goto fail;
    if (unlikely(message_end_lock_inner(request->handle, ZX_OBJ_TYPE_CHANNEL, MESSAGE_CALL_RIGHTS,
                                        true, &end) != ZX_OK))
        goto free_message;
    message_call_begin_inner(call, request, end, message);
    if (unlikely(message_end_push_locked(end, message, args->wr_num_bytes, 0) != ZX_OK))
        goto cancel;
    spin_unlock(end->object.lock);
    return true;

cancel:
    message_call_cancel_locked(call);
    spin_unlock_inner(end->object.lock);
free_message:
    slab_free_inner(&message_small_cache, message);
fail:
    preempt_enable();
    return false;
}

static ALWAYS_INLINE bool call_receive_quickly(const struct message_call_request* request,
                                               struct message* reply) {
    uint32_t size = reply->byte_count;
    if (unlikely(reply->shape != 0 || size > request->args.rd_num_bytes) ||
        unlikely(!user_copy_out_with_words((uintptr_t)request->args.rd_bytes, reply->payload, size,
                                           request->actual_bytes, size, request->actual_handles,
                                           0)))
        return false;
    slab_free(&message_small_cache, reply);
    return true;
}

zx_status_t message_call_run(const struct message_call_request* request, bool* is_written) {
    struct message_call call;
    /* Saves 168 of 1,361 instructions of a round trip. */
    if (!(QUICK(call_write, call_is_usual(request)) &&
          likely(call_write_quickly(request, &call)))) {
        zx_status_t status = call_write(request, &call, is_written);
        if (!*is_written)
            return status;
    }
    *is_written = true;
    zx_status_t status = call_wait(&call, request->deadline);
    if (unlikely(status != ZX_OK))
        return status;
    /* Saves 83 of 1,276 instructions of a round trip. */
    if (QUICK(call_receive, call_receive_quickly(request, call.reply)))
        return ZX_OK;
    return call_receive(request, call.reply);
}
