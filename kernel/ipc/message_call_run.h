/* A whole call, as a system call makes it: the message is written, and the reply read. Inline,
 * because half of the request is constant in each system call. The numbers of the races are those
 * of message_call.c. */
#pragma once

#include <ipc/message_call.h>
#include <ipc/message_end.h>
#include <lib/compiler.h>

static ALWAYS_INLINE void message_call_init(struct message_call* call,
                                            const struct message_call_request* request) {
    call->thread = thread_current();
    call->must_pick_id = request->must_pick_id;
    atomic_init(&call->is_decided, false);
    call->observer.on_match = message_call_on_peer_closed;
    call->observer.on_handle_closed = message_call_on_handle_closed;
    call->observer.handle_table = current_handles();
    call->observer.handle = request->handle;
    call->observer.trigger = ZX_OBJECT_PEER_CLOSED;
}

/* Blocks until the call is decided. Afterwards no other thread uses `call`, which is on this
 * thread's stack. The acquire load of is_decided makes the result visible. */
static ALWAYS_INLINE zx_status_t message_call_wait(struct message_call* call, zx_time_t deadline) {
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

static inline struct message_room message_call_room(const struct message_call_request* request) {
    const zx_channel_call_args_t* args = &request->args;
    return (struct message_room){
        .bytes = (uintptr_t)args->rd_bytes,
        .handles = (uintptr_t)args->rd_handles,
        .byte_room = args->rd_num_bytes,
        .handle_room = args->rd_num_handles,
        .actual_bytes = request->actual_bytes,
        .actual_handles = request->actual_handles,
    };
}

/* Checks all memory that will be written to, before the message is sent. */
static ALWAYS_INLINE bool message_call_is_good(const struct message_call_request* request,
                                               const struct message_room* room) {
    bool has_room_for_id = !request->must_pick_id || request->args.wr_num_bytes >= sizeof(uint32_t);
    return has_room_for_id && message_room_is_good(room) &&
           (!request->status_place || user_touch_small(request->status_place, sizeof(zx_status_t)));
}

/* Returns the error of a request that is not good: that of the handle, else of the size, else of
 * user memory. */
static NOINLINE zx_status_t message_call_fault(const struct message_call_request* request) {
    bool is_too_large = request->args.wr_num_bytes > ZX_CHANNEL_MAX_MSG_BYTES ||
                        request->args.wr_num_handles > ZX_CHANNEL_MAX_MSG_HANDLES;
    return message_end_fault(request->handle, ZX_OBJ_TYPE_CHANNEL, MESSAGE_CALL_RIGHTS,
                             is_too_large ? ZX_ERR_OUT_OF_RANGE : ZX_ERR_INVALID_ARGS);
}

/* Writes the message, waits for the reply and reads it. *is_written: whether the message was
 * written; then its handles have left the table. Errors before that are those of message_end_write;
 * afterwards PEER_CLOSED, CANCELED, TIMED_OUT, or those of message_receive. */
MUST_CHECK static ALWAYS_INLINE zx_status_t
message_call_run(const struct message_call_request* request, bool* is_written) {
    const zx_channel_call_args_t* args = &request->args;
    const struct message_room room = message_call_room(request);
    struct message_call call;
    if (unlikely(!message_call_is_good(request, &room)))
        return message_call_fault(request);
    message_call_init(&call, request);
    zx_status_t status = message_end_send(
        request->handle, ZX_OBJ_TYPE_CHANNEL, request->rules,
        (struct user_span){(uintptr_t)args->wr_bytes, args->wr_num_bytes},
        (struct user_span){(uintptr_t)args->wr_handles, args->wr_num_handles}, &call);
    if (unlikely(status != ZX_OK))
        return status;
    *is_written = true;
    status = message_call_wait(&call, request->deadline);
    if (unlikely(status != ZX_OK))
        return status;
    return message_receive(call.reply, message_call_room(request));
}
