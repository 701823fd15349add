/* The end of a channel or of a message pipe. Messages go from one end to the other.
 *
 * Rules for ends:
 *
 * - Both ends share one lock (LOCK_OBJECT), which guards the queues, the peer pointers and the
 *   signals. Each end owns the messages that wait to be read at it.
 * - `peer` points to the other end as long as both have handles.
 * - An end shows WRITABLE while it has a peer whose queue has room. At the bound
 *   (CHANNEL_MAX_QUEUED_MESSAGES or CHANNEL_MAX_QUEUED_BYTES) no message is added, and the writer's
 *   end does not show WRITABLE until a read makes room.
 * - A call that finds an end through a handle needs no reference: see race 1 in message_end.c. */
#pragma once

#include <ipc/message.h>
#include <ipc/message_end_life.h>
#include <ipc/message_end_state.h>
#include <lib/compiler.h>
#include <object/handle_transfer.h>

struct message_call;

/* A range of user memory: `count` bytes, or `count` handles. */
struct user_span {
    uintptr_t address;
    size_t count;
};

/* Where a message that is read goes, in user memory. */
struct message_room {
    uintptr_t bytes, handles;
    uint32_t byte_room, handle_room;
    uintptr_t actual_bytes, actual_handles; /* for its sizes; 0: not wanted */
    uint32_t may_discard;                   /* not 0: a message that does not fit is dropped */
};

/* How the system calls that write messages differ. */
struct message_rules {
    zx_obj_type_t type;                   /* of the end */
    struct handle_transfer_errors errors; /* for the handles */
    /* Called after a failure, with the handles that were not written. Returns what the system call
     * returns. NULL: the system call returns the status, and the handles stay with the caller. */
    zx_status_t (*on_failure)(zx_status_t status, struct user_span handles);
};

/* The operations below work for the calling process. */

/* --- writing ---------------------------------------------------------------------------------- */

/* Copies a message in and queues it at the other end, or gives it to a call that waits for it
 * there. Its handles leave the table in the same step; on failure they stay. BAD_HANDLE,
 * WRONG_TYPE, ACCESS_DENIED; OUT_OF_RANGE; INVALID_ARGS (bad user memory); faults of the handles
 * sent (handle_transfer_take_locked); PEER_CLOSED; NO_MEMORY (also at the bound). BAD_STATE: a
 * reply pipe was not sent along. */
MUST_CHECK static inline zx_status_t message_end_write(zx_handle_t handle,
                                                       const struct message_rules* rules,
                                                       struct user_span bytes,
                                                       struct user_span handles);
/* message_end_write for a call. `call` observes the end and waits for the reply from this step on;
 * its handle needs MESSAGE_CALL_RIGHTS. NULL: no call. */
MUST_CHECK static inline zx_status_t
message_end_send(zx_handle_t handle, zx_obj_type_t type, const struct message_rules* rules,
                 struct user_span bytes, struct user_span handles, struct message_call* call);
/* Returns the error of the handle if it has one, else `fault`, an error of another argument. */
zx_status_t message_end_fault(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                              zx_status_t fault);
/* Queues a message that the kernel made. Consumes the message on success only. The caller has a
 * reference. */
MUST_CHECK zx_status_t message_end_push(struct message_end* end, struct message* message);

/* --- reading ---------------------------------------------------------------------------------- */

/* Takes the first message that waits at the end: its bytes go to user memory and its handles to the
 * table, in one step. BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED. SHOULD_WAIT, PEER_CLOSED: no message
 * waits. BUFFER_TOO_SMALL: writes the sizes, and drops the message if `may_discard` is set.
 * INVALID_ARGS (bad user memory) and errors of handle_table_reserve_locked take nothing. */
MUST_CHECK static inline zx_status_t message_end_read(zx_handle_t handle, zx_obj_type_t type,
                                                      struct message_room room);
/* message_end_read for a message that is in no queue. Consumes the message, also on failure. */
MUST_CHECK static inline zx_status_t message_receive(struct message* message,
                                                     struct message_room room);
/* Whether all of the room can be written to. With no lock held, missing pages are brought in. With
 * a lock held, a page that is not present makes the result false. */
MUST_CHECK static inline bool message_room_is_good(const struct message_room* room);

#include <ipc/message_end_inline.h>
