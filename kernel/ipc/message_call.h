/* Calls: a message is written, and the reply with the same id goes straight to the thread that
 * waits for it, past the queue.
 *
 * The id is in the first four bytes of a message (0 if it has fewer). A call is in the tree of its
 * end, and observes it, from before the message is written until it is decided: by the reply, by
 * the other end's closing, by the loss of the handle it was made through, or by the caller itself
 * (deadline, kill). Whatever is first counts; all of it happens under the end's lock. */
#pragma once

#include <lib/tree.h>
#include <object/handle_table.h>
#include <ipc/message_end.h>
#include <sched/thread.h>

#define MESSAGE_CALL_FIRST_ID \
    0x80000000u /* of those that the kernel picks; the last is UINT32_MAX */

/* On the caller's stack. */
struct message_call {
    struct tree_node node; /* key: the id, then the order of arrival */
    struct observer observer;
    struct message_end* end; /* a reference */
    struct thread* thread;
    struct message* reply; /* once the result is OK */
    _Atomic zx_status_t result;
};

#define MESSAGE_CALL_UNDECIDED ((zx_status_t)1)

/* Of the inline functions below: what is needed while other calls are under way (an id is picked
 * that nobody waits for at the other end either: they would take the message for their reply), the
 * observer's callbacks, and the caller's own decision if nobody else's came before. */
void message_call_add_among(struct message_end* end, struct message_call* call,
                            struct message* message, bool must_pick_id);
struct tree_node* message_call_take_among(struct tree* calls, uint32_t id);
void message_call_on_peer_closed(struct observer* observer, zx_signals_t signals);
void message_call_on_handle_closed(struct observer* observer);
void message_call_give_up(struct message_call* call, zx_status_t result);

static inline zx_status_t message_call_result(const struct message_call* call) {
    return atomic_load_explicit(&call->result, memory_order_acquire);
}

/* Under the end's lock: the caller cannot return before it is dropped. */
static inline void message_call_set_result(struct message_call* call, zx_status_t result) {
    atomic_store_explicit(&call->result, result, memory_order_release);
}

static inline bool message_call_has_id(const struct tree_node* node, uint32_t id) {
    return node->key >> 32 == id;
}

/* The key of a call that is alone, or one of several with the same id, told apart by a count in the
 * order of their arrival. */
static inline uint64_t message_call_key(uint32_t id, uint32_t order) {
    return (uint64_t)id << 32 | order;
}

static inline uint32_t message_call_next_id(struct message_end* end) {
    return MESSAGE_CALL_FIRST_ID | end->next_call_id++;
}

/* Where nobody waits at either end, any id will do. */
static ALWAYS_INLINE void message_call_add(struct message_end* end, struct message_call* call,
                                           struct message* message, bool must_pick_id) {
    if (unlikely(!tree_is_empty(&end->calls)) ||
        (must_pick_id && end->peer && unlikely(!tree_is_empty(&end->peer->calls)))) {
        message_call_add_among(end, call, message, must_pick_id);
        return;
    }
    uint32_t id = must_pick_id ? message_call_next_id(end) : message_id(message);
    if (must_pick_id)
        message_set_id(message, id);
    call->node = (struct tree_node){.key = message_call_key(id, 0)};
    end->calls.root = &call->node;
}

/* The call is under way from here on, and `message` carries its id. `must_pick_id`: one that no
 * other call on this end has is written into the message, which has room for it. With the end's
 * lock; its handle is held, or the table locked, and was told (handle_slot_note_observer). */
static ALWAYS_INLINE void message_call_begin_locked(struct message_call* call,
                                                    struct message_end* end,
                                                    const struct handle_table* table,
                                                    zx_handle_t handle, struct message* message,
                                                    bool must_pick_id) {
    call->end = end;
    call->thread = thread_current();
    call->reply = NULL;
    atomic_init(&call->result, MESSAGE_CALL_UNDECIDED);
    call->observer.on_match = message_call_on_peer_closed;
    call->observer.on_handle_closed = message_call_on_handle_closed;
    call->observer.handle_table = table;
    call->observer.handle = handle;
    thread_hand_over_begin(); /* to whoever waits for the message */
    object_reference(&end->object);
    message_call_add(end, call, message, must_pick_id);
    call->observer.trigger = ZX_OBJECT_PEER_CLOSED;
    object_add_observer_locked(&end->object, &call->observer);
}

/* The message could not be written; with the end's lock. */
void message_call_cancel_locked(struct message_call* call);

/* A message that was written to `end` goes to the call that waits for it there, if there is one,
 * and is consumed then. Under the lock. Mostly the call is alone, which is the whole tree; and
 * whoever replied has nothing left to do but to wait for the next message, so that the caller takes
 * its place. */
MUST_CHECK static ALWAYS_INLINE bool message_call_answer_locked(struct message_end* end,
                                                                struct message* message) {
    struct tree_node* node = end->calls.root;
    uint32_t id = message_id(message);
    if (!node)
        return false;
    if (likely(!node->left && !node->right && message_call_has_id(node, id)))
        end->calls.root = NULL;
    else if (!(node = message_call_take_among(&end->calls, id)))
        return false;
    struct message_call* call = CONTAINER_OF(node, struct message_call, node);
    list_remove(&call->observer.node);
    call->reply = message;
    message_call_set_result(call, ZX_OK);
    thread_unpark_at_once(call->thread);
    return true;
}

/* Blocks until the call is decided. OK: the reply is the caller's; else PEER_CLOSED, CANCELED,
 * TIMED_OUT. No lock held; afterwards nobody knows of the call any more. */
MUST_CHECK static ALWAYS_INLINE zx_status_t message_call_wait(struct message_call* call,
                                                              zx_time_t deadline,
                                                              struct message** reply) {
    struct message_end* end = call->end;
    call->thread->wait = THREAD_WAIT_CHANNEL;
    for (;;) {
        zx_status_t status = thread_park(deadline);
        if (likely(message_call_result(call) != MESSAGE_CALL_UNDECIDED))
            break;
        if (status != ZX_OK) {
            message_call_give_up(call, status);
            break;
        }
    }
    call->thread->wait = THREAD_WAIT_OTHER;
    thread_hand_over_end();
    /* Whoever decided may still be about to unpark us, with the lock held. */
    spin_wait_for_holder(end->object.lock);
    object_release(&end->object);
    *reply = call->reply;
    return message_call_result(call);
}
