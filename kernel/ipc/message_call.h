/* Calls: a message is written, and the reply with the same id goes straight to the thread that
 * waits for it, past the queue.
 *
 * The id is in the first four bytes of a message (0 if it has fewer). A call is in the tree of its
 * end, and observes the end, from before its message is written until it is decided: by the reply,
 * by the other end's closing, by the loss of the handle it was made through, or by the caller
 * (deadline, kill). The first of these counts. The races are explained in message_call.c. */
#pragma once

#include <ipc/message_end.h>
#include <sched/thread.h>

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
    uintptr_t status_place; /* also looked at before the message is written; 0: not wanted */
};

/* Writes the message, waits for the reply and reads it. `is_written`: whether the message was
 * written, with the handles that go with it. Errors before that are those of message_end_write;
 * afterwards PEER_CLOSED, CANCELED, TIMED_OUT, or those of message_receive. */
MUST_CHECK zx_status_t message_call_run(const struct message_call_request* request,
                                        bool* is_written);

/* --- for message_end.c -------------------------------------------------------------------------
 */

/* A call under way, on the caller's stack. */
struct message_call {
    const struct message_call_request* request;
    struct tree_node node; /* key: the id, then the order of arrival */
    struct observer observer;
    struct message_end* end; /* a reference */
    struct thread* thread;
    struct message* reply; /* once the result is OK */
    zx_status_t result;    /* once it is decided */
    _Atomic bool is_decided;
};

/* The call is under way from here on, and `message` carries its id. The handle was marked as
 * observed (handle_slot_note_observer). With the end's lock, as the two below. */
void message_call_begin_locked(struct message_call* call, struct message_end* end,
                               struct message* message);
/* The message could not be written. */
void message_call_cancel_locked(struct message_call* call);
