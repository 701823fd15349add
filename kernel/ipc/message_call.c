#include <ipc/message_call.h>

#include <sched/thread.h>

static struct message_call* call_of(struct observer* observer) {
    return CONTAINER_OF(observer, struct message_call, observer);
}

/* --- the calls of an end ------------------------------------------------------------------------
 */

/* The call that has waited longest for this id; NULL: nobody waits for it. */
static struct tree_node* find(const struct tree* calls, uint32_t id) {
    struct tree_node* node = tree_find_at_least(calls, message_call_key(id, 0));
    return node && message_call_has_id(node, id) ? node : NULL;
}

struct tree_node* message_call_take_among(struct tree* calls, uint32_t id) {
    struct tree_node* node = find(calls, id);
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
    tree_remove(&call->end->calls, &call->node);
    list_remove(&call->observer.node);
}

static void decide_locked(struct message_call* call, zx_status_t result) {
    leave_locked(call);
    message_call_set_result(call, result);
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

/* --- the caller -------------------------------------------------------------------------------
 */

/* The reference is not the last: whoever takes the handle away needs the end's lock before its own
 * goes, because the handle is marked (handle_slot_note_observer) or for on_zero_handles. */
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
