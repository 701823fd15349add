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
#include <object/message_end.h>

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

/* The call is under way from here on, and `message` carries its id. `must_pick_id`: one that no
 * other call on this end has is written into the message, which has room for it. With the locks of
 * the table, in which `handle` names the end, and of the end. */
void message_call_begin_locked(struct message_call* call, struct message_end* end,
                               const struct handle_table* table, zx_handle_t handle,
                               struct message* message, bool must_pick_id);
/* A message that was written to `end`: goes to the call that waits for it, if there is one, and is
 * consumed then. Under the lock. */
MUST_CHECK bool message_call_answer_locked(struct message_end* end, struct message* message);
/* The message could not be written. */
void message_call_cancel_locked(struct message_call* call);
/* Blocks until the call is decided. OK: the reply is the caller's; else PEER_CLOSED, CANCELED,
 * TIMED_OUT. No lock held; afterwards nobody knows of the call any more. */
MUST_CHECK zx_status_t message_call_wait(struct message_call* call, zx_time_t deadline,
                                         struct message** reply);
