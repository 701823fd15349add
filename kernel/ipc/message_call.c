/* Calls, and their races. The lines that close them are marked with the numbers.
 *
 * 1. The reply may come before the caller waits. So the call is put into the tree before its
 *    message is queued, under the same lock. An unpark before the park is not lost (sched/park.c).
 * 2. Several events may decide a call at once: reply, close, loss of the handle, deadline, kill.
 *    Each takes the end's lock. The first one takes the call out of the tree and off the observers,
 *    so the later ones do not find it. The caller looks at is_decided again once it has the lock.
 * 3. The caller may return, and its stack be used again, before the thread that decided has
 *    unparked it. That thread holds the lock until the unpark. So the caller waits until the lock
 *    has been free once.
 * 4. The handle is closed while the call is under way; it may be the end's last one. The handle was
 *    marked as observed before it was let go. So the thread that closes it keeps its reference
 *    until it has looked for observers under the end's lock. So the reference that a cancelled call
 *    drops under the lock is not the last.
 * 5. A program writes a message with the id that the kernel is about to pick, or two calls pick the
 *    same id. So the id is picked under the lock, and no call at either end may wait for it. A call
 *    at the other end would take the message for its reply. */
#include <ipc/message_call.h>

/* --- the calls of an end ------------------------------------------------------------------------
 */

static struct message_call* call_of(struct observer* observer) {
    return CONTAINER_OF(observer, struct message_call, observer);
}

/* Returns the call that has waited longest for this id; NULL: no call waits for it. */
static struct tree_node* call_find(const struct tree* calls, uint32_t id) {
    struct tree_node* node = tree_find_at_least(calls, message_call_key(id, 0));
    return node && node->key >> 32 == id ? node : NULL;
}

/* Race 5: picks an id that no call at either end waits for. */
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
        key = message_call_key(id, end->next_call_order++);
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

/* Race 2: a thread that finds the call in the tree or among the observers is the first. The release
 * store pairs with the acquire load in message_call_wait: the caller sees the result. */
static void call_decide_locked(struct message_call* call, zx_status_t result) {
    call_leave_locked(call);
    call->result = result;
    atomic_store_explicit(&call->is_decided, true, memory_order_release);
}

void message_call_on_peer_closed(struct observer* observer, zx_signals_t signals) {
    (void)signals;
    call_decide_locked(call_of(observer), ZX_ERR_PEER_CLOSED);
    thread_unpark(call_of(observer)->thread);
}

void message_call_on_handle_closed(struct observer* observer) {
    call_decide_locked(call_of(observer), ZX_ERR_CANCELED);
    thread_unpark(call_of(observer)->thread);
}

/* Gives the reply to the call, which its caller has taken out of the tree. A thread that has
 * replied usually waits for the next message, so the woken thread takes its place on the CPU. */
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
    /* The call is alone at its end, so nothing has to be searched for or removed in the tree. Saves
     * 67 of 1,260 instructions of a round trip. */
    if (QUICK(reply_to_only_call, node && !node->left && !node->right && message->shape == 0 &&
                                      node->key >> 32 == message_id(message))) {
        peer->calls.root = NULL;
        call_answer_locked(CONTAINER_OF(node, struct message_call, node), message);
        return ZX_OK;
    }
    return push_any_locked(end, message);
}

/* --- the caller ---------------------------------------------------------------------------------
 */

void message_call_add_among(struct message_call* call, struct message_end* end,
                            struct message* message) {
    uint32_t id = call->must_pick_id ? pick_id(end) : message_id(message);
    if (call->must_pick_id)
        message_set_id(message, id);
    call_insert(call, end, id);
}

void message_call_cancel_locked(struct message_call* call) {
    call_leave_locked(call);
    thread_hand_over_end();
    object_release(&call->end->object); /* race 4: not the last */
}

void message_call_give_up(struct message_call* call, zx_status_t result) {
    struct message_end* end = call->end;
    spin_lock(end->object.lock);
    if (!atomic_load_explicit(&call->is_decided, memory_order_relaxed)) /* race 2: under the lock */
        call_decide_locked(call, result);
    spin_unlock(end->object.lock);
}
