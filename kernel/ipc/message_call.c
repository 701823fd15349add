/* Calls, and their races. The lines that close them are marked with the numbers.
 *
 * 1. The reply comes before the caller waits. So the call is in the tree before its message is
 *    queued, under the same lock; and an unpark before the park is not lost (sched/park.c).
 * 2. Several things decide at once: reply, closing, loss of the handle, deadline, kill. All of them
 *    happen under the end's lock, and the first takes the call out of the tree and off the
 *    observers. The others do not find it there any more. The caller looks at is_decided again
 *    once it has the lock.
 * 3. The caller returns, and its stack is used for something else, while the thread that decided is
 *    about to unpark it. That thread has the lock until then: the caller waits for the lock to be
 *    free once.
 * 4. The handle is closed, or the last one of the end, while the call is under way. The handle was
 *    marked before it was let go, so its closer looks for observers, and waits for the end's lock
 *    to do so. So the end's reference that a cancelled call drops under the lock is not the last.
 * 5. A program writes to the end itself a message with the id that the kernel is about to pick, or
 *    two calls pick the same. The id is picked under the lock, and never one that a call waits for
 *    at either end: calls at the other end would take the message for their reply. */
#include <ipc/message_call.h>

#include <ipc/message_quick.h>

/* --- the calls of an end ------------------------------------------------------------------------
 */

static struct message_call* call_of(struct observer* observer) {
    return CONTAINER_OF(observer, struct message_call, observer);
}

/* Calls with the same id are told apart by a count, in the order of their arrival. */
static inline uint64_t call_key(uint32_t id, uint32_t order) {
    return (uint64_t)id << 32 | order;
}

/* The call that has waited longest for this id; NULL: nobody waits for it. */
static struct tree_node* call_find(const struct tree* calls, uint32_t id) {
    struct tree_node* node = tree_find_at_least(calls, call_key(id, 0));
    return node && node->key >> 32 == id ? node : NULL;
}

/* Race 5. */
static uint32_t pick_id(struct message_end* end) {
    const struct message_end* peer = end->peer;
    uint32_t id;
    do {
        id = MESSAGE_CALL_FIRST_ID | end->next_call_id++;
    } while (call_find(&end->calls, id) || (peer && call_find(&peer->calls, id)));
    return id;
}

static void call_insert(struct message_call* call, struct message_end* end, uint32_t id) {
    const struct tree_node* node;
    uint64_t key;
    do {
        key = call_key(id, end->next_call_order++);
        node = tree_find_at_least(&end->calls, key);
    } while (node && node->key == key);
    tree_insert(&end->calls, &call->node, key);
}

/* --- deciding, under the end's lock -------------------------------------------------------------
 */

static void call_leave_locked(struct message_call* call) {
    tree_remove(&call->end->calls, &call->node);
    list_remove(&call->observer.node);
}

/* Race 2: whoever finds the call in the tree or among the observers is the first. */
static void call_decide_locked(struct message_call* call, zx_status_t result) {
    call_leave_locked(call);
    call->result = result;
    atomic_store_explicit(&call->is_decided, true, memory_order_release);
}

static void on_peer_closed(struct observer* observer, zx_signals_t signals) {
    (void)signals;
    call_decide_locked(call_of(observer), ZX_ERR_PEER_CLOSED);
    thread_unpark(call_of(observer)->thread);
}

static void on_handle_closed(struct observer* observer) {
    call_decide_locked(call_of(observer), ZX_ERR_CANCELED);
    thread_unpark(call_of(observer)->thread);
}

/* A thread that has replied has nothing left to do but to wait for the next message: the caller
 * takes its place. */
static inline void call_answer_locked(struct message_call* call, struct message* message) {
    list_remove(&call->observer.node);
    call->reply = message;
    call->result = ZX_OK;
    atomic_store_explicit(&call->is_decided, true, memory_order_release); /* race 2 */
    thread_unpark_at_once(call->thread);
}

static NOINLINE zx_status_t push_any_locked(struct message_end* end, struct message* message) {
    struct message_end* peer = end->peer;
    if (!peer)
        return ZX_ERR_PEER_CLOSED;
    struct tree_node* node = call_find(&peer->calls, message_id(message));
    if (node) {
        tree_remove(&peer->calls, node);
        call_answer_locked(CONTAINER_OF(node, struct message_call, node), message);
        return ZX_OK;
    }
    if (!(object_signals(&end->object) & ZX_OBJECT_WRITABLE))
        return ZX_ERR_NO_MEMORY;
    message_end_queue_locked(end, peer, message, message_queued_size(message),
                             message_handle_count(message));
    return ZX_OK;
}

zx_status_t message_end_push_unusual_locked(struct message_end* end, struct message* message) {
    struct message_end* peer = end->peer;
    struct tree_node* node = likely(peer) ? peer->calls.root : NULL;
    /* The call is alone at its end. Saves the search in the tree, and the removal: 50
     * instructions. */
    if (QUICK(node && !node->left && !node->right && message->shape == 0 &&
              node->key >> 32 == message_id(message))) {
        peer->calls.root = NULL;
        call_answer_locked(CONTAINER_OF(node, struct message_call, node), message);
        return ZX_OK;
    }
    return push_any_locked(end, message);
}

/* --- the caller -------------------------------------------------------------------------------
 */

/* Gives the message its id, and puts the call into the tree. */
static NOINLINE void call_add_among(struct message_call* call, bool must_pick_id,
                                    struct message_end* end, struct message* message) {
    uint32_t id = must_pick_id ? pick_id(end) : message_id(message);
    if (must_pick_id)
        message_set_id(message, id);
    call_insert(call, end, id);
}

static ALWAYS_INLINE void call_add(struct message_call* call, bool must_pick_id,
                                   struct message_end* end, struct message* message) {
    if (QUICK(tree_is_empty(&end->calls) &&
              (!must_pick_id || !end->peer || tree_is_empty(&end->peer->calls)))) {
        uint32_t id =
            must_pick_id ? MESSAGE_CALL_FIRST_ID | end->next_call_id++ : message_id(message);
        if (must_pick_id)
            message_set_id(message, id);
        call->node = (struct tree_node){.key = call_key(id, 0)};
        end->calls.root = &call->node;
        return;
    }
    call_add_among(call, must_pick_id, end, message);
}

static ALWAYS_INLINE void call_begin_locked(struct message_call* call,
                                            const struct message_call_request* request,
                                            struct message_end* end, struct message* message) {
    call->end = end;
    call->thread = thread_current();
    atomic_init(&call->is_decided, false);
    call->observer.on_match = on_peer_closed;
    call->observer.on_handle_closed = on_handle_closed;
    call->observer.handle_table = current_handles();
    call->observer.handle = request->handle;
    call->observer.trigger = ZX_OBJECT_PEER_CLOSED;
    thread_hand_over_begin(); /* to the thread that waits for the message */
    object_reference(&end->object);
    call_add(call, request->must_pick_id, end, message); /* race 1: before the message is queued */
    object_add_observer_locked(&end->object, &call->observer);
}

void message_call_begin_locked(struct message_call* call, struct message_end* end,
                               struct message* message) {
    call_begin_locked(call, call->request, end, message);
}

void message_call_cancel_locked(struct message_call* call) {
    call_leave_locked(call);
    thread_hand_over_end();
    object_release(&call->end->object); /* race 4: not the last */
}

static NOINLINE void call_give_up(struct message_call* call, zx_status_t result) {
    struct message_end* end = call->end;
    spin_lock(end->object.lock);
    if (!atomic_load_explicit(&call->is_decided, memory_order_relaxed)) /* race 2 */
        call_decide_locked(call, result);
    spin_unlock(end->object.lock);
}

/* Blocks until the call is decided; afterwards nobody knows of it any more. */
static ALWAYS_INLINE zx_status_t call_wait(struct message_call* call, zx_time_t deadline) {
    struct message_end* end = call->end;
    call->thread->wait = THREAD_WAIT_CHANNEL;
    do {
        zx_status_t status = thread_park(deadline);
        if (unlikely(status != ZX_OK))
            call_give_up(call, status);
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
    call_begin_locked(call, request, end, message);
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
    if (!(QUICK(call_is_usual(request)) && likely(call_write_quickly(request, &call)))) {
        zx_status_t status = call_write(request, &call, is_written);
        if (!*is_written)
            return status;
    }
    *is_written = true;
    zx_status_t status = call_wait(&call, request->deadline);
    if (unlikely(status != ZX_OK))
        return status;
    if (QUICK(call_receive_quickly(request, call.reply)))
        return ZX_OK;
    return call_receive(request, call.reply);
}
