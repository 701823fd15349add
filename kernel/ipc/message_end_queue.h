/* The queue of an end, and the signals that follow from it. The end's lock is held. */
#pragma once

#include <stdatomic.h>

#include <ipc/message_end_state.h>
#include <lib/compiler.h>

/* Queues the message at `peer`, which has room. */
static ALWAYS_INLINE void message_end_queue_locked(struct message_end* end,
                                                   struct message_end* peer,
                                                   struct message* message, size_t size,
                                                   uint32_t handle_count) {
    if (handle_count > 0) {
        /* Relaxed is enough: the sender's own handle is closed only after the table is unlocked,
         * and the thread that closes it takes the table's lock. So that thread sees the flags. */
        atomic_store_explicit(&end->object.may_hold_handles, true, memory_order_relaxed);
        atomic_store_explicit(&peer->object.may_hold_handles, true, memory_order_relaxed);
    }
    if (message_queue_push(&peer->queue, message, size, handle_count))
        object_update_signals_locked(&end->object, ZX_OBJECT_WRITABLE, 0);
    object_update_signals_locked(&peer->object, 0, ZX_OBJECT_READABLE);
}

/* Called after a message was taken out of a full queue. Shows WRITABLE at the other end if there is
 * room again. */
void message_end_note_room_locked(struct message_end* end);
static ALWAYS_INLINE void message_end_pop_locked(struct message_end* end, struct message* message,
                                                 size_t size, uint32_t handle_count) {
    message_queue_pop(&end->queue, message, size, handle_count);
    if (message_queue_is_empty(&end->queue))
        object_update_signals_locked(&end->object, ZX_OBJECT_READABLE, 0);
    if (unlikely(end->queue.is_full))
        message_end_note_room_locked(end);
}

/* Takes the first message out of the queue, which is not empty. */
struct message* message_end_take_first_locked(struct message_end* end);
