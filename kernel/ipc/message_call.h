/* Calls: a message is written, and the reply with the same id goes straight to the thread that
 * waits for it, past the queue.
 *
 * Rules for calls:
 * - The id is in the first four bytes of a message; it is 0 if the message has fewer.
 * - A call is in the tree of its end, and observes the end, until it is decided. This begins before
 *   its message is queued.
 * - The first of these decides a call: the reply, the close of the other end, the loss of the
 *   call's handle, the caller (deadline or kill).
 * - The end's lock guards the tree and every decision. message_call.c explains the races. */
#pragma once

#include <stdatomic.h>

#include <abi/objects.h>
#include <abi/rights.h>
#include <ipc/message_end_queue.h>
#include <ipc/message_end_state.h>
#include <lib/tree.h>
#include <object/handle_table.h>
#include <sched/park.h>
#include <sched/thread.h>
#include <task/process.h>

struct message_rules;

#define MESSAGE_CALL_RIGHTS (ZX_RIGHT_READ | ZX_RIGHT_WRITE)
/* The kernel picks ids from this one to UINT32_MAX. */
#define MESSAGE_CALL_FIRST_ID 0x80000000u

/* What a program asks for. */
struct message_call_request {
    zx_handle_t handle;
    const struct message_rules* rules;
    zx_time_t deadline;
    zx_channel_call_args_t args;            /* what is written, and where the reply goes */
    uintptr_t actual_bytes, actual_handles; /* for the sizes of the reply; 0: not wanted */
    bool must_pick_id;      /* the kernel picks the id, and writes it into the message */
    uintptr_t status_place; /* for a status; checked before the message is written; 0: none */
};

/* A call under way, on the caller's stack. */
struct message_call {
    struct tree_node node; /* key: the id, then the order of arrival */
    struct observer observer;
    struct message_end* end; /* a reference */
    struct thread* thread;
    struct message* reply; /* once the result is OK */
    zx_status_t result;    /* once it is decided */
    bool must_pick_id;     /* the kernel picks the id */
    _Atomic bool is_decided;
};

/* The observer's callbacks: the other end was closed; the call's handle was closed, replaced or
 * sent away. */
void message_call_on_peer_closed(struct observer* observer, zx_signals_t signals);
void message_call_on_handle_closed(struct observer* observer);

/* The key of a call. `order` counts calls with the same id, in the order of their arrival. */
static inline uint64_t message_call_key(uint32_t id, uint32_t order) {
    return (uint64_t)id << 32 | order;
}

/* Gives the message its id, and puts the call into the tree. message_call_add_among is the slow
 * path, for an end with other calls. */
void message_call_add_among(struct message_call* call, struct message_end* end,
                            struct message* message);
static ALWAYS_INLINE void message_call_add(struct message_call* call, struct message_end* end,
                                           struct message* message) {
    bool must_pick_id = call->must_pick_id;
    /* The only call at its end. Saves 93 of 1,286 instructions of a round trip. */
    if (QUICK(only_call, tree_is_empty(&end->calls) &&
                             (!must_pick_id || !end->peer || tree_is_empty(&end->peer->calls)))) {
        uint32_t id =
            must_pick_id ? MESSAGE_CALL_FIRST_ID | end->next_call_id++ : message_id(message);
        if (must_pick_id)
            message_set_id(message, id);
        call->node = (struct tree_node){.key = message_call_key(id, 0)};
        end->calls.root = &call->node;
        return;
    }
    message_call_add_among(call, end, message);
}

/* Begins the call and gives `message` its id. The handle is marked as observed
 * (handle_slot_note_observer). The end's lock is held. message_call.c has race 1. */
static ALWAYS_INLINE void message_call_begin_locked(struct message_call* call,
                                                    struct message_end* end,
                                                    struct message* message) {
    call->end = end;
    thread_hand_over_begin(); /* to the thread that waits for the message */
    object_reference(&end->object);
    /* race 1: before the message is queued */
    message_call_add(call, end, message);
    object_add_observer_locked(&end->object, &call->observer);
}

/* Undoes message_call_begin_locked, because the message could not be queued. The end's lock is
 * held. */
void message_call_cancel_locked(struct message_call* call);
/* Decides the call with `result`, unless it is decided already. Takes the end's lock. */
void message_call_give_up(struct message_call* call, zx_status_t result);

/* --- writing, where a call may wait --------------------------------------------------------------
 */

/* The slow path of message_end_push_locked: no peer, no room, or a call waits at the other end. */
MUST_CHECK zx_status_t message_end_push_unusual_locked(struct message_end* end,
                                                       struct message* message);

/* Queues the message at the other end, or gives it to a call that waits there, for which there is
 * always room. Consumes the message on success only. PEER_CLOSED; NO_MEMORY at the bound. `size`
 * and `handle_count` are the message's: constants for some callers. WRITABLE is shown while there
 * is a peer with room. */
MUST_CHECK static ALWAYS_INLINE zx_status_t message_end_push_locked(struct message_end* end,
                                                                    struct message* message,
                                                                    size_t size,
                                                                    uint32_t handle_count) {
    if (unlikely(!(object_signals(&end->object) & ZX_OBJECT_WRITABLE)) ||
        unlikely(!tree_is_empty(&end->peer->calls)))
        return message_end_push_unusual_locked(end, message);
    message_end_queue_locked(end, end->peer, message, size, handle_count);
    return ZX_OK;
}
