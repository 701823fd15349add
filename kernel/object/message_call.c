#include <object/message_call.h>

#include <sched/thread.h>

static struct message_call* call_of(struct observer* observer) {
    return CONTAINER_OF(observer, struct message_call, observer);
}

/* --- the calls of an end ------------------------------------------------------------------------
 *
 * Mostly there is one at a time, which is the whole tree. */

/* The call that has waited longest for this id; NULL: nobody waits for it. */
static inline struct tree_node* find(const struct tree* calls, uint32_t id) {
    if (tree_is_empty(calls))
        return NULL;
    struct tree_node* node = calls->root;
    if (unlikely(node->left || node->right)) {
        node = tree_find_at_least(calls, (uint64_t)id << 32);
        if (!node)
            return NULL;
    }
    return likely(node->key >> 32 == id) ? node : NULL;
}

static inline void remove(struct tree* calls, struct tree_node* node) {
    if (likely(calls->root == node && !node->left && !node->right))
        calls->root = NULL;
    else
        tree_remove(calls, node);
}

uint32_t message_call_pick_id_among(struct message_end* end) {
    const struct message_end* peer = end->peer;
    uint32_t id;
    do {
        id = MESSAGE_CALL_FIRST_ID | end->next_call_id++;
    } while (find(&end->calls, id) || (peer && find(&peer->calls, id)));
    return id;
}

void message_call_add_among(struct message_end* end, struct message_call* call, uint32_t id) {
    const struct tree_node* node;
    uint64_t key;
    do {
        key = message_call_key(end, id);
        node = tree_find_at_least(&end->calls, key);
    } while (node && node->key == key);
    tree_insert(&end->calls, &call->node, key);
}

/* --- deciding, under the end's lock -------------------------------------------------------------
 */

static inline void leave_locked(struct message_call* call) {
    remove(&call->end->calls, &call->node);
    list_remove(&call->observer.node);
}

/* The caller cannot return before the lock is dropped. */
static inline void decide_locked(struct message_call* call, zx_status_t result) {
    leave_locked(call);
    atomic_store_explicit(&call->result, result, memory_order_release);
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
    struct tree_node* node = find(&end->calls, message_id(message));
    if (!node)
        return false;
    struct message_call* call = CONTAINER_OF(node, struct message_call, node);
    call->reply = message;
    decide_locked(call, ZX_OK);
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
