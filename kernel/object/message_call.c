#include <object/message_call.h>

#include <sched/thread.h>

#define UNDECIDED ((zx_status_t)1)

static struct message_call* call_of(struct observer* observer) {
    return CONTAINER_OF(observer, struct message_call, observer);
}

static zx_status_t result_of(const struct message_call* call) {
    return atomic_load_explicit(&call->result, memory_order_acquire);
}

/* --- the calls of an end ------------------------------------------------------------------------
 *
 * Mostly there is one at a time, which is the whole tree. */

static uint64_t first_key(uint32_t id) {
    return (uint64_t)id << 32;
}

/* The call that has waited longest for this id; NULL: nobody waits for it. */
static inline struct tree_node* find(const struct tree* calls, uint32_t id) {
    if (tree_is_empty(calls))
        return NULL;
    struct tree_node* node = calls->root;
    if (unlikely(node->left || node->right)) {
        node = tree_find_at_least(calls, first_key(id));
        if (!node)
            return NULL;
    }
    return likely(node->key >> 32 == id) ? node : NULL;
}

static inline void add(struct tree* calls, struct tree_node* node, uint64_t key) {
    if (unlikely(!tree_is_empty(calls))) {
        tree_insert(calls, node, key);
        return;
    }
    *node = (struct tree_node){.key = key};
    calls->root = node;
}

static inline void remove(struct tree* calls, struct tree_node* node) {
    if (likely(calls->root == node && !node->left && !node->right))
        calls->root = NULL;
    else
        tree_remove(calls, node);
}

static NOINLINE uint32_t pick_id_among(struct message_end* end) {
    const struct message_end* peer = end->peer;
    uint32_t id;
    do {
        id = MESSAGE_CALL_FIRST_ID | end->next_call_id++;
    } while (find(&end->calls, id) || (peer && find(&peer->calls, id)));
    return id;
}

/* Not one for which somebody waits at the other end either: they would take the message for their
 * reply. */
static inline uint32_t pick_id(struct message_end* end) {
    if (unlikely(!tree_is_empty(&end->calls) || (end->peer && !tree_is_empty(&end->peer->calls))))
        return pick_id_among(end);
    return MESSAGE_CALL_FIRST_ID | end->next_call_id++;
}

static NOINLINE uint64_t pick_key_among(struct message_end* end, uint32_t id) {
    for (;;) {
        uint64_t key = first_key(id) | end->next_call_order++;
        const struct tree_node* node = tree_find_at_least(&end->calls, key);
        if (!node || node->key != key)
            return key;
    }
}

/* Calls with one id are told apart by a count, which is unique among those under way. */
static inline uint64_t pick_key(struct message_end* end, uint32_t id) {
    if (unlikely(!tree_is_empty(&end->calls)))
        return pick_key_among(end, id);
    return first_key(id) | end->next_call_order++;
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

static void on_peer_closed(struct observer* observer, zx_signals_t signals) {
    (void)signals;
    decide_locked(call_of(observer), ZX_ERR_PEER_CLOSED);
    thread_unpark(call_of(observer)->thread);
}

static void on_handle_closed(struct observer* observer) {
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

void message_call_begin_locked(struct message_call* call, struct message_end* end,
                               const struct handle_table* table, zx_handle_t handle,
                               struct message* message, bool must_pick_id) {
    if (must_pick_id)
        message_set_id(message, pick_id(end));
    call->end = end;
    call->thread = thread_current();
    call->reply = NULL;
    atomic_init(&call->result, UNDECIDED);
    call->observer.trigger = ZX_OBJECT_PEER_CLOSED;
    call->observer.on_match = on_peer_closed;
    call->observer.on_handle_closed = on_handle_closed;
    call->observer.handle_table = table;
    call->observer.handle = handle;
    thread_hand_over_begin(); /* to whoever waits for the message */
    object_reference(&end->object);
    add(&end->calls, &call->node, pick_key(end, message_id(message)));
    list_push_back(&end->object.observers, &call->observer.node);
}

/* The reference is not the last: the handle is still there. */
void message_call_cancel_locked(struct message_call* call) {
    leave_locked(call);
    thread_hand_over_end();
    object_release(&call->end->object);
}

zx_status_t message_call_wait(struct message_call* call, zx_time_t deadline,
                              struct message** reply) {
    struct message_end* end = call->end;
    zx_status_t status = ZX_OK;
    while (status == ZX_OK && result_of(call) == UNDECIDED)
        status = thread_park(deadline);
    thread_hand_over_end();
    if (unlikely(result_of(call) == UNDECIDED)) {
        spin_lock(end->object.lock);
        if (result_of(call) == UNDECIDED)
            decide_locked(call, status);
        spin_unlock(end->object.lock);
    }
    /* Whoever decided may still be about to unpark us, with the lock held. */
    spin_wait_for_holder(end->object.lock);
    object_release(&end->object);
    *reply = call->reply;
    return result_of(call);
}
