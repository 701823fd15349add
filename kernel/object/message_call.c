#include <object/message_call.h>

#include <sched/thread.h>

static struct message_call* call_of(struct observer* observer) {
    return CONTAINER_OF(observer, struct message_call, observer);
}

/* --- the calls of an end ------------------------------------------------------------------------
 *
 * Mostly there is one at a time, which is the whole tree. */

static inline bool is_alone(const struct tree* calls) {
    return likely(!calls->root->left && !calls->root->right);
}

static inline bool has_id(const struct tree_node* node, uint32_t id) {
    return node->key >> 32 == id;
}

/* The call that has waited longest for this id; NULL: nobody waits for it. */
static struct tree_node* find(const struct tree* calls, uint32_t id) {
    struct tree_node* node = tree_find_at_least(calls, message_call_key(id, 0));
    return node && has_id(node, id) ? node : NULL;
}

static inline void remove(struct tree* calls, struct tree_node* node) {
    if (is_alone(calls))
        calls->root = NULL;
    else
        tree_remove(calls, node);
}

/* The same at once: there are calls. */
static inline struct tree_node* take(struct tree* calls, uint32_t id) {
    struct tree_node* node = calls->root;
    if (is_alone(calls)) {
        if (unlikely(!has_id(node, id)))
            return NULL;
        calls->root = NULL;
        return node;
    }
    node = find(calls, id);
    if (node)
        tree_remove(calls, node);
    return node;
}

static uint32_t pick_id(struct message_end* end) {
    const struct message_end* peer = end->peer;
    uint32_t id;
    do {
        id = message_call_next_id(end);
    } while (find(&end->calls, id) || (peer && find(&peer->calls, id)));
    return id;
}

void message_call_add_among(struct message_end* end, struct message_call* call,
                            struct message* message, bool must_pick_id) {
    uint32_t id = must_pick_id ? pick_id(end) : message_id(message);
    if (must_pick_id)
        message_set_id(message, id);
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

static void leave_locked(struct message_call* call) {
    remove(&call->end->calls, &call->node);
    list_remove(&call->observer.node);
}

/* The caller cannot return before the lock is dropped. */
static inline void set_result(struct message_call* call, zx_status_t result) {
    atomic_store_explicit(&call->result, result, memory_order_release);
}

static void decide_locked(struct message_call* call, zx_status_t result) {
    leave_locked(call);
    set_result(call, result);
}

void message_call_on_peer_closed(struct observer* observer, zx_signals_t signals) {
    (void)signals;
    decide_locked(call_of(observer), ZX_ERR_PEER_CLOSED);
    thread_unpark(call_of(observer)->thread);
}

void message_call_on_handle_closed(struct observer* observer) {
    decide_locked(call_of(observer), ZX_ERR_CANCELED);
    thread_unpark(call_of(observer)->thread);
}

/* Whoever replied mostly has nothing left to do but to wait for the next message. */
bool message_call_answer_locked(struct message_end* end, struct message* message) {
    struct tree_node* node = take(&end->calls, message_id(message));
    if (!node)
        return false;
    struct message_call* call = CONTAINER_OF(node, struct message_call, node);
    list_remove(&call->observer.node);
    call->reply = message;
    set_result(call, ZX_OK);
    thread_unpark_at_once(call->thread);
    return true;
}

/* --- the caller -------------------------------------------------------------------------------
 */

/* The reference is not the last: the handle is still there. */
void message_call_cancel_locked(struct message_call* call) {
    leave_locked(call);
    thread_hand_over_end();
    object_release(&call->end->object);
}

void message_call_give_up(struct message_call* call, zx_status_t result) {
    struct message_end* end = call->end;
    spin_lock(end->object.lock);
    if (message_call_result(call) == MESSAGE_CALL_UNDECIDED)
        decide_locked(call, result);
    spin_unlock(end->object.lock);
}
