/* The ends of channels and message pipes: writing, reading, closing.
 *
 * The way of a message: message_end_write copies it in (message_create_small), finds the end
 * through its handle, and pushes the message into the queue of the other end. message_end_read
 * finds the end in the same way and copies the first message out, with the lock held.
 *
 * Races, and what closes them. The lines are marked with the numbers.
 *
 * 1. The handle is closed while a call uses the end. The call holds the handle's slot (or the
 *    table's lock) until it has the end's lock. A thread that closes the handle gets the slot only
 *    then. If it closes the last handle, it also takes the end's lock, in
 *    message_end_on_zero_handles, before the end can be destroyed. So the end stays while its lock
 *    is held, and the call needs no reference.
 * 2. No thread may see a moving handle both in the table and in the queue, or in neither. So it
 *    moves with both locks held.
 * 3. A page of user memory is not present when a reader wants to write there with a lock held. The
 *    attempt fails with INVALID_ARGS and has changed nothing. The reader brings in the places that
 *    the message needs, without a lock, and tries again from the start: the queue may have changed.
 * 4. A reader must not show a new handle before the attempt is sure to succeed. Otherwise a thread
 *    that guesses the value could hold the slot and wait for the end's lock. The reader has that
 *    lock. To take the handle back it would wait for the slot: a deadlock. */
#include <ipc/message_end.h>

#include <arch/user_copy.h>
#include <debug/panic.h>
#include <ipc/message_call.h>
#include <ipc/message_cycle.h>
#include <ipc/message_cycle_suspects.h>
#include <ipc/message_end_queue.h>
#include <sched/thread.h>

/* --- writing ---------------------------------------------------------------------------------- */

/* A reply pipe must be sent along, as the last handle. An error in any other handle is reported
 * first. So before the handles are taken, the pipe's own handle is allowed in any place. */
static NOINLINE void allow_own_handle(zx_handle_t own_handle, struct handle_transfer* transfer) {
    uint32_t own = 0;
    while (own < transfer->count - 1 && transfer->values[own] != own_handle)
        own++;
    transfer->carrier_index = own; /* the last place, if it is in none */
}

/* After the handles are taken: BAD_STATE unless the pipe's own handle is the last. */
static NOINLINE zx_status_t check_own_handle_locked(zx_handle_t own_handle, zx_status_t status,
                                                    struct handle_transfer* transfer) {
    bool is_last = transfer->values[transfer->count - 1] == own_handle;
    if (is_last || (status != ZX_OK && status != ZX_ERR_NOT_SUPPORTED))
        return status;
    if (status == ZX_OK)
        handle_transfer_end_locked(transfer, ZX_ERR_BAD_STATE);
    return ZX_ERR_BAD_STATE;
}

/* Takes the handles out of the table. An end cannot be sent through itself, except a reply pipe,
 * which must be. */
static ALWAYS_INLINE zx_status_t take_handles_locked(zx_handle_t own_handle,
                                                     const struct message_end* end, bool is_reply,
                                                     struct handle_transfer* transfer) {
    if (unlikely(is_reply))
        allow_own_handle(own_handle, transfer);
    zx_status_t status = handle_transfer_take_locked(transfer, &end->object);
    return unlikely(is_reply) ? check_own_handle_locked(own_handle, status, transfer) : status;
}

static zx_rights_t rights_to_send(const struct message_call* call) {
    return call ? MESSAGE_CALL_RIGHTS : ZX_RIGHT_WRITE;
}

/* Takes the handles out of the table and queues the message, in one step (race 2). The table is
 * locked. */
static ALWAYS_INLINE zx_status_t
send_handles_locked(zx_handle_t handle, const struct message_rules* rules, struct message* message,
                    struct message_call* call, struct handle_transfer* transfer, bool* is_reply) {
    struct message_end* end;
    zx_status_t status =
        message_end_find_locked(handle, rules->type, rights_to_send(call), call, &end);
    if (status != ZX_OK)
        return status;
    *is_reply = end->is_reply;
    status = take_handles_locked(handle, end, *is_reply, transfer);
    if (status != ZX_OK)
        return status;
    spin_lock_inner(end->object.lock); /* race 2: both locks from here to the queue */
    status =
        message_end_send_locked(end, message, message_queued_size(message), transfer->count, call);
    if (*is_reply && status == ZX_OK)
        message_cycle_note(&end->object); /* its last handle outside may be in the queue now */
    spin_unlock_inner(end->object.lock);
    handle_transfer_end_locked(transfer, status); /* race 2: the table is still locked */
    return status;
}

static ALWAYS_INLINE zx_status_t send_handles(zx_handle_t handle, const struct message_rules* rules,
                                              struct message* message, uintptr_t handles_user,
                                              struct message_call* call) {
    struct handle_table* table = current_handles();
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    struct handle_transfer transfer;
    bool is_reply = false;
    transfer.table = table;
    transfer.values = values;
    transfer.entries = message_handles(message);
    transfer.count = message_handle_count(message);
    transfer.carrier_index = HANDLE_TRANSFER_NOWHERE;
    transfer.errors = &rules->errors;
    if (!user_copy_in_small(values, handles_user, transfer.count * sizeof(values[0])))
        return message_end_fault(handle, rules->type, rights_to_send(call), ZX_ERR_INVALID_ARGS);
    spin_lock(&table->lock);
    zx_status_t status = send_handles_locked(handle, rules, message, call, &transfer, &is_reply);
    spin_unlock(&table->lock);
    if (status != ZX_OK)
        return handle_fault(table, status);
    handle_transfer_finish(&transfer);
    if (is_reply)
        message_cycle_collect();
    return ZX_OK;
}

static zx_status_t fail(const struct message_rules* rules, zx_status_t status,
                        struct user_span handles) {
    return rules->on_failure ? rules->on_failure(status, handles) : status;
}

zx_status_t message_end_send_any(zx_handle_t handle, const struct message_rules* rules,
                                 struct user_span bytes, struct user_span handles,
                                 struct message_call* call, struct message* message) {
    zx_status_t status = ZX_OK;
    preempt_enable();
    if (!message)
        status = message_create_from_user(bytes.address, bytes.count, handles.count, &message);
    if (status != ZX_OK) {
        status = message_end_fault(handle, rules->type, rights_to_send(call), status);
        return fail(rules, status, handles);
    }
    if (handles.count == 0) {
        preempt_disable();
        status = message_end_send_inner(handle, rules->type, message, call);
        return status == ZX_OK ? ZX_OK : message_end_fail_to_send(rules, message, status);
    }
    status = send_handles(handle, rules, message, handles.address, call);
    if (status == ZX_OK)
        return ZX_OK;
    message_free(message);
    return fail(rules, status, handles);
}

zx_status_t message_end_fault(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                              zx_status_t fault) {
    zx_status_t status = handle_table_check(current_handles(), handle, type, rights);
    return status != ZX_OK ? status : fault;
}

zx_status_t message_end_fail_to_send(const struct message_rules* rules, struct message* message,
                                     zx_status_t status) {
    preempt_enable();
    message_free(message);
    return fail(rules, handle_fault(current_handles(), status), (struct user_span){0, 0});
}

zx_status_t message_end_push(struct message_end* end, struct message* message) {
    spin_lock(end->object.lock);
    zx_status_t status = message_end_push_locked(end, message, message_queued_size(message),
                                                 message_handle_count(message));
    spin_unlock(end->object.lock);
    return status;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A read writes to up to four places: the bytes, both sizes, and at last the values of the handles.
 * If one place is bad, the others must not change. So the later places are checked before the first
 * one is written. */

static bool write_sizes(const struct message* message, const struct message_room* room) {
    return (!room->actual_bytes || user_write_word(room->actual_bytes, message->byte_count)) &&
           (!room->actual_handles ||
            user_write_word(room->actual_handles, message_handle_count(message)));
}

static bool sizes_are_good(const struct message_room* room) {
    return user_touch_with_words(0, 0, room->actual_bytes, room->actual_handles);
}

static NOINLINE bool write_paged(const struct message* message, const struct message_room* room) {
    bool is_present = message->byte_count <= USER_SMALL_MAX
                          ? user_touch_small(room->bytes, message->byte_count)
                          : user_fault_in(room->bytes, message->byte_count, true);
    return is_present && sizes_are_good(room) && message_copy_out_paged(message, room->bytes) &&
           write_sizes(message, room);
}

bool message_room_fault_in(struct message_room room) {
    size_t bytes = MIN(room.byte_room, ZX_CHANNEL_MAX_MSG_BYTES);
    size_t handles = MIN(room.handle_room, ZX_CHANNEL_MAX_MSG_HANDLES);
    return user_fault_in(room.bytes, bytes, true) &&
           user_fault_in(room.handles, handles * sizeof(zx_handle_t), true) &&
           user_touch_with_words(room.bytes, 0, room.actual_bytes, room.actual_handles);
}

static bool write_bytes_and_sizes(struct message* message, const struct message_room* room) {
    if (message->shape & MESSAGE_PAGED)
        return write_paged(message, room);
    return user_copy_out_with_words(
        room->bytes, message_inline_bytes(message), message->byte_count,
        (struct user_word){room->actual_bytes, message->byte_count},
        (struct user_word){room->actual_handles, message_handle_count(message)});
}

static bool fits(const struct message* message, const struct message_room* room) {
    return message->byte_count <= room->byte_room &&
           message_handle_count(message) <= room->handle_room && message_room_has_places(room);
}

/* message_give_plain for any message. If it has handles the table is locked. Before the bytes are
 * copied, this makes room for the handles in the table, and checks their place in user memory. */
static ALWAYS_INLINE zx_status_t give(struct message* message, const struct message_room* room) {
    struct handle_table* table = current_handles();
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    uint32_t count = message_handle_count(message);
    if (!fits(message, room))
        return ZX_ERR_BUFFER_TOO_SMALL;
    zx_status_t status = count > 0 ? handle_table_reserve_locked(table, count) : ZX_OK;
    if (status != ZX_OK)
        return status;
    if (count > 0 && !user_touch_small(room->handles, count * sizeof(values[0])))
        return ZX_ERR_INVALID_ARGS;
    if (!write_bytes_and_sizes(message, room))
        return ZX_ERR_INVALID_ARGS;
    if (count == 0)
        return ZX_OK;
    /* The last step (race 4) fails only if another thread has just unmapped the user memory. */
    handle_table_next_values_locked(table, values, count);
    if (!user_copy_out_small(room->handles, values, count * sizeof(values[0])))
        return ZX_ERR_INVALID_ARGS;
    handle_table_add_many_locked(table, message_handles(message), count);
    return ZX_OK;
}

zx_status_t message_end_take_unusual(struct message_end* end, struct message_room room) {
    struct message* message = end->queue.first;
    zx_status_t status = give(message, &room);
    if (status == ZX_OK)
        message_end_finish_read(end, message, message_handle_count(message));
    return status;
}

/* The result of an attempt. After INVALID_ARGS the next attempt needs this part of the room:
 * `bytes_needed` bytes and `handles_needed` handles. */
struct attempt {
    zx_status_t status;
    uint32_t bytes_needed, handles_needed;
};

/* Decides what a failed attempt returns. An error of the queue or the message is returned only if
 * user memory is good. If the message fits, only the memory that it needs counts, else all of the
 * room. */
static struct attempt failed_attempt(const struct message* message, const struct message_room* room,
                                     zx_status_t status) {
    struct message_room needed = *room;
    if (message && fits(message, room)) {
        needed.byte_room = message->byte_count;
        needed.handle_room = message_handle_count(message);
    }
    if (status != ZX_ERR_INVALID_ARGS &&
        (!message_room_is_good(&needed) ||
         (status == ZX_ERR_BUFFER_TOO_SMALL && !write_sizes(message, room))))
        status = ZX_ERR_INVALID_ARGS;
    return (struct attempt){status, needed.byte_room, needed.handle_room};
}

/* Race 3: brings in the user memory that the next attempt needs. Nothing is locked. False: there is
 * no next attempt. */
static bool can_try_again(const struct message_room* room, struct attempt failed) {
    struct message_room needed = *room;
    needed.byte_room = failed.bytes_needed;
    needed.handle_room = failed.handles_needed;
    return failed.status == ZX_ERR_INVALID_ARGS && message_room_is_good(&needed) &&
           !thread_is_killed(thread_current());
}

/* Ends a failed attempt: drops the message if `may_discard` is set, and unlocks. */
static struct attempt fail_to_read(struct message_end* end, const struct message_room* room,
                                   zx_status_t status) {
    struct message* message = end->queue.first;
    bool is_table_locked = room->handle_room > 0 && message_queue_has_handles_first(&end->queue);
    struct attempt attempt = failed_attempt(message, room, status);
    bool is_dropped = attempt.status == ZX_ERR_BUFFER_TOO_SMALL && room->may_discard;
    if (is_dropped)
        (void)message_end_take_first_locked(end);
    spin_unlock_inner(end->object.lock); /* `end` may go from here on (race 1) */
    if (is_table_locked)
        spin_unlock_inner(&current_handles()->lock);
    preempt_enable();
    if (is_dropped)
        message_destroy(message);
    return attempt;
}

zx_status_t message_end_read_again(zx_handle_t handle, zx_obj_type_t type, struct message_room room,
                                   struct message_end* end, zx_status_t status) {
    while (status != ZX_OK) {
        if (!end) {
            preempt_enable();
            return handle_fault(current_handles(), status);
        }
        struct attempt attempt = fail_to_read(end, &room, status);
        if (!can_try_again(&room, attempt))
            return attempt.status;
        status = message_end_try_to_read(handle, type, &room, &end);
    }
    return ZX_OK;
}

zx_status_t message_receive_again(struct message* message, struct message_room room) {
    bool has_handles = message_handle_count(message) > 0;
    struct attempt attempt;
    do {
        if (has_handles)
            spin_lock(&current_handles()->lock);
        attempt.status = give(message, &room);
        if (attempt.status != ZX_OK)
            attempt = failed_attempt(message, &room, attempt.status);
        if (has_handles)
            spin_unlock(&current_handles()->lock);
        if (attempt.status == ZX_OK) {
            message_free(message); /* its handles were given away */
            return ZX_OK;
        }
    } while (can_try_again(&room, attempt));
    message_destroy(message);
    return attempt.status;
}
