/* The ends of channels and message pipes: writing, reading, closing.
 *
 * The way of a message: message_end_write copies it in (message_create_from_user), finds the end
 * through its handle, and pushes the message into the queue of the other end. message_end_read
 * finds the end in the same way and copies the first message out, with the lock held.
 *
 * Races, and what closes them. The lines are marked with the numbers.
 *
 * 1. The handle is closed while a call uses the end. The call holds the handle's slot (or the
 *    table's lock) until it has the end's lock. A closer gets the slot only then. If it takes the
 *    last handle it must take the end's lock, too, in message_end_on_zero_handles, before the end
 *    can be destroyed. So the end stays while its lock is held, and nobody needs a reference.
 * 2. A handle on its way must be neither in both places nor in none. So it goes from the table into
 *    the queue, or back, with both locks held.
 * 3. A page of user memory is not present when a reader wants to write there with a lock held. The
 *    attempt fails with INVALID_ARGS and has changed nothing. The reader brings in the places that
 *    the message needs, without a lock, and tries again from the start: the queue may have changed.
 * 4. A reader must not show a new handle before the attempt is sure to succeed. A thread that
 *    guesses the value would hold the slot while it waits for the end's lock, and the reader, which
 *    has that lock, would wait for the slot. */
#include <ipc/message_end.h>

#include <arch/user_copy.h>
#include <debug/panic.h>
#include <ipc/message_call.h>
#include <ipc/message_cycle.h>
#include <ipc/message_cycle_suspects.h>
#include <ipc/message_end_queue.h>
#include <ipc/message_quick.h>
#include <sched/thread.h>

/* Finds the end of the handle. The caller holds the table's lock, which keeps the end (race 1). */
static inline zx_status_t end_find_locked(zx_handle_t handle, zx_obj_type_t type,
                                          zx_rights_t rights, bool is_observed,
                                          struct message_end** end) {
    struct handle_slot* slot;
    zx_status_t status = handle_table_check_locked(current_handles(), handle, type, rights, &slot);
    if (unlikely(status != ZX_OK)) {
        handle_fault(current_handles(), status);
        return status;
    }
    if (is_observed)
        handle_slot_note_observer(slot);
    *end = message_end_from(slot->object);
    return ZX_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Queues the message. If there is a `call`, it waits for its reply from before the message is
 * queued: the reply may come at once. */
static ALWAYS_INLINE zx_status_t send_locked(struct message_end* end, struct message* message,
                                             size_t size, uint32_t handle_count,
                                             struct message_call* call) {
    if (call)
        message_call_begin_locked(call, end, message);
    zx_status_t status = message_end_push_locked(end, message, size, handle_count);
    if (call && status != ZX_OK)
        message_call_cancel_locked(call);
    return status;
}

/* A reply pipe must be sent along, as the last handle. An error in any other handle is reported
 * first. So before the handles are taken, the pipe's own handle is allowed in any place. */
static NOINLINE void allow_own_handle(zx_handle_t own_handle, struct handle_transfer* transfer) {
    uint32_t own = 0;
    /* As in handle_transfer_take_locked.
     * NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
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

/* With the table locked: the handles leave it and the message is queued, in one step (race 2). */
static ALWAYS_INLINE zx_status_t send_with_handles_locked(zx_handle_t handle, zx_obj_type_t type,
                                                          struct message* message,
                                                          struct message_call* call,
                                                          struct handle_transfer* transfer,
                                                          bool* is_reply) {
    struct message_end* end;
    zx_rights_t rights = call ? MESSAGE_CALL_RIGHTS : ZX_RIGHT_WRITE;
    zx_status_t status = end_find_locked(handle, type, rights, call, &end);
    if (unlikely(status != ZX_OK))
        return status;
    *is_reply = end->is_reply;
    status = take_handles_locked(handle, end, *is_reply, transfer);
    if (unlikely(status != ZX_OK))
        return status;
    spin_lock_inner(end->object.lock);
    status = send_locked(end, message, message_queued_size(message), transfer->count, call);
    if (unlikely(*is_reply) && status == ZX_OK)
        message_cycle_note(&end->object); /* its last handle outside may be in the queue now */
    spin_unlock_inner(end->object.lock);
    handle_transfer_end_locked(transfer, status);
    return status;
}

static ALWAYS_INLINE zx_status_t send_with_handles(zx_handle_t handle,
                                                   const struct message_rules* rules,
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
    zx_status_t status;
    if (unlikely(!user_copy_in_small(values, handles_user, transfer.count * sizeof(values[0])))) {
        status = message_end_fault(handle, rules->type, call ? MESSAGE_CALL_RIGHTS : ZX_RIGHT_WRITE,
                                   ZX_ERR_INVALID_ARGS);
        goto free_message;
    }
    spin_lock(&table->lock);
    status = send_with_handles_locked(handle, rules->type, message, call, &transfer, &is_reply);
    spin_unlock(&table->lock);
    if (unlikely(status != ZX_OK))
        goto free_message;
    handle_transfer_finish(&transfer);
    if (is_reply)
        message_cycle_collect();
    return ZX_OK;

free_message:
    message_free(message);
    return status;
}

static ALWAYS_INLINE zx_status_t send_bytes(zx_handle_t handle, const struct message_rules* rules,
                                            struct message* message, uint32_t byte_count,
                                            struct message_call* call) {
    zx_rights_t rights = call ? MESSAGE_CALL_RIGHTS : ZX_RIGHT_WRITE;
    struct message_end* end;
    zx_status_t status = message_end_lock(handle, rules->type, rights, call, &end);
    if (status != ZX_OK) {
        handle_fault(current_handles(), status);
        goto free_message;
    }
    status =
        unlikely(end->is_reply) ? ZX_ERR_BAD_STATE : send_locked(end, message, byte_count, 0, call);
    spin_unlock(end->object.lock);
    if (likely(status == ZX_OK))
        return ZX_OK;

free_message:
    message_free(message);
    return status;
}

zx_status_t message_end_send(zx_handle_t handle, const struct message_rules* rules,
                             struct message* message, uintptr_t handles_user,
                             struct message_call* call) {
    return message_handle_count(message) > 0
               ? send_with_handles(handle, rules, message, handles_user, call)
               : send_bytes(handle, rules, message, message->byte_count, call);
}

zx_status_t message_end_fault(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                              zx_status_t fault) {
    zx_status_t status = handle_table_check(current_handles(), handle, type, rights);
    return status != ZX_OK ? status : fault;
}

zx_status_t message_end_write(zx_handle_t handle, const struct message_rules* rules,
                              struct user_span bytes, struct user_span handles) {
    struct message* message;
    zx_status_t status =
        message_create_from_user(bytes.address, bytes.count, handles.count, &message);
    if (status != ZX_OK)
        return message_end_fault(handle, rules->type, ZX_RIGHT_WRITE, status);
    return handles.count > 0 ? send_with_handles(handle, rules, message, handles.address, NULL)
                             : send_bytes(handle, rules, message, bytes.count, NULL);
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

static inline bool sizes_are_good(const struct message_room* room) {
    return user_touch_with_words(0, 0, room->actual_bytes, room->actual_handles);
}

static bool write_sizes(const struct message* message, const struct message_room* room) {
    return (!room->actual_bytes || user_write_word(room->actual_bytes, message->byte_count)) &&
           (!room->actual_handles ||
            user_write_word(room->actual_handles, message_handle_count(message)));
}

static NOINLINE bool write_paged(const struct message* message, const struct message_room* room) {
    bool is_present = message->byte_count <= USER_SMALL_MAX
                          ? user_touch_small(room->bytes.address, message->byte_count)
                          : user_fault_in(room->bytes.address, message->byte_count, true);
    return is_present && sizes_are_good(room) &&
           message_copy_out_paged(message, room->bytes.address) && write_sizes(message, room);
}

static ALWAYS_INLINE bool write_bytes_and_sizes(struct message* message,
                                                const struct message_room* room) {
    if (message->shape & MESSAGE_PAGED)
        return write_paged(message, room);
    return user_copy_out_with_words(room->bytes.address, message_inline_bytes(message),
                                    message->byte_count, room->actual_bytes, message->byte_count,
                                    room->actual_handles, message_handle_count(message));
}

/* Room at address 0 is a fault even where nothing is written to it. */
static ALWAYS_INLINE bool has_places(const struct message_room* room) {
    return (room->bytes.address || room->bytes.count == 0) &&
           (room->handles.count == 0 || room->handles.address);
}

static ALWAYS_INLINE bool fits(const struct message* message, const struct message_room* room) {
    return message->byte_count <= room->bytes.count &&
           message_handle_count(message) <= room->handles.count && has_places(room);
}

bool message_room_is_good(const struct message_room* room) {
    size_t bytes = MIN(room->bytes.count, ZX_CHANNEL_MAX_MSG_BYTES);
    size_t handles = MIN(room->handles.count, ZX_CHANNEL_MAX_MSG_HANDLES);
    if (!has_places(room))
        return false;
    if (likely(handles == 0 && bytes <= USER_SMALL_MAX))
        return user_touch_with_words(room->bytes.address, bytes, room->actual_bytes,
                                     room->actual_handles);
    return user_fault_in(room->bytes.address, bytes, true) &&
           user_fault_in(room->handles.address, handles * sizeof(zx_handle_t), true) &&
           sizes_are_good(room);
}

/* Before the bytes are copied: makes sure that the handles have room in the table, which is locked,
 * and that their place in user memory is present. */
static ALWAYS_INLINE zx_status_t reserve_places_locked(const struct message* message,
                                                       const struct message_room* room) {
    uint32_t count = message_handle_count(message);
    zx_status_t status = handle_table_reserve_locked(current_handles(), count);
    if (status != ZX_OK)
        return status;
    return user_touch_small(room->handles.address, count * sizeof(zx_handle_t))
               ? ZX_OK
               : ZX_ERR_INVALID_ARGS;
}

/* The last step (race 4). It fails only if another thread has just unmapped the user memory. */
static ALWAYS_INLINE zx_status_t move_handles_locked(struct message* message,
                                                     const struct message_room* room) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    uint32_t count = message_handle_count(message);
    handle_table_next_values_locked(current_handles(), values, count);
    if (!user_copy_out_with_words(room->handles.address, values, count * sizeof(values[0]), 0, 0, 0,
                                  0))
        return ZX_ERR_INVALID_ARGS;
    handle_table_add_many_locked(current_handles(), message_handles(message), count);
    return ZX_OK;
}

/* One attempt to copy the message out. If it has handles, the table is locked. INVALID_ARGS: a
 * place is bad or not present (race 3). */
static ALWAYS_INLINE zx_status_t give(struct message* message, const struct message_room* room,
                                      bool may_have_handles) {
    bool has_handles = may_have_handles && message_handle_count(message) > 0;
    zx_status_t status = ZX_OK;
    if (unlikely(!fits(message, room)))
        return ZX_ERR_BUFFER_TOO_SMALL;
    if (has_handles)
        status = reserve_places_locked(message, room);
    if (likely(status == ZX_OK) && !write_bytes_and_sizes(message, room))
        status = ZX_ERR_INVALID_ARGS;
    if (has_handles && status == ZX_OK)
        status = move_handles_locked(message, room);
    return status;
}

/* The result of an attempt. After INVALID_ARGS so much of the room must be good for the next one.
 */
struct attempt {
    zx_status_t status;
    uint32_t bytes_needed, handles_needed;
};

/* Decides what a failed attempt returns. An error of the queue or the message is returned only if
 * the user memory is good: what the message needs if it fits, else all of the room. */
static NOINLINE struct attempt failed_attempt(const struct message* message,
                                              const struct message_room* room, zx_status_t status) {
    struct message_room needed = *room;
    if (message && fits(message, room)) {
        needed.bytes.count = message->byte_count;
        needed.handles.count = message_handle_count(message);
    }
    if (status != ZX_ERR_INVALID_ARGS &&
        (!message_room_is_good(&needed) ||
         (status == ZX_ERR_BUFFER_TOO_SMALL && !write_sizes(message, room))))
        status = ZX_ERR_INVALID_ARGS;
    return (struct attempt){status, needed.bytes.count, needed.handles.count};
}

/* Race 3: after a failed attempt, with nothing locked. */
static NOINLINE bool can_try_again(const struct message_room* room, struct attempt failed) {
    struct message_room needed = *room;
    needed.bytes.count = failed.bytes_needed;
    needed.handles.count = failed.handles_needed;
    return failed.status == ZX_ERR_INVALID_ARGS && message_room_is_good(&needed) &&
           !thread_is_killed(thread_current());
}

/* Returns the end locked. If the message may have handles, the table is locked too (race 2). */
static ALWAYS_INLINE zx_status_t lock_for_reading(zx_handle_t handle, zx_obj_type_t type,
                                                  bool with_table, struct message_end** end) {
    zx_status_t status;
    if (!with_table) {
        status = message_end_lock(handle, type, ZX_RIGHT_READ, false, end);
        if (status != ZX_OK)
            handle_fault(current_handles(), status);
        return status;
    }
    spin_lock(&current_handles()->lock);
    status = end_find_locked(handle, type, ZX_RIGHT_READ, false, end);
    if (status == ZX_OK)
        spin_lock_inner((*end)->object.lock);
    else
        spin_unlock(&current_handles()->lock);
    return status;
}

/* Ends a failed attempt: drops the message if the rules say so, and unlocks. */
static NOINLINE struct attempt fail_to_read(struct message_end* end,
                                            const struct message_rules* rules,
                                            const struct message_room* room, bool is_table_locked,
                                            zx_status_t status) {
    struct message* message = end->queue.first;
    struct attempt attempt = failed_attempt(message, room, status);
    bool is_dropped = attempt.status == ZX_ERR_BUFFER_TOO_SMALL && rules->may_discard;
    if (is_dropped)
        (void)message_end_take_first_locked(end);
    spin_unlock_inner(end->object.lock);
    if (is_table_locked)
        spin_unlock_inner(&current_handles()->lock);
    preempt_enable();
    if (is_dropped)
        message_destroy(message);
    return attempt;
}

/* One attempt. */
static ALWAYS_INLINE struct attempt try_to_read(zx_handle_t handle,
                                                const struct message_rules* rules,
                                                const struct message_room* room,
                                                bool may_have_handles) {
    struct message_end* end;
    zx_status_t status = lock_for_reading(handle, rules->type, may_have_handles, &end);
    if (status != ZX_OK)
        return (struct attempt){.status = status};
    struct message* message = end->queue.first;
    bool is_table_locked = may_have_handles;
    if (is_table_locked && (!message || message_handle_count(message) == 0)) {
        spin_unlock_outer(&current_handles()->lock); /* not needed: let others have it */
        is_table_locked = false;
    }
    if (message)
        status = give(message, room, may_have_handles);
    else
        status = end->peer ? ZX_ERR_SHOULD_WAIT : ZX_ERR_PEER_CLOSED;
    if (unlikely(status != ZX_OK))
        return fail_to_read(end, rules, room, is_table_locked, status);
    message_end_pop_locked(end, message, message_queued_size(message),
                           may_have_handles ? message_handle_count(message) : 0);
    spin_unlock_inner(end->object.lock);
    if (is_table_locked)
        spin_unlock_inner(&current_handles()->lock);
    preempt_enable();
    message_free(message); /* its handles were given away */
    return (struct attempt){.status = ZX_OK};
}

zx_status_t message_end_read(zx_handle_t handle, const struct message_rules* rules, uintptr_t bytes,
                             uintptr_t handles, uint32_t num_bytes, uint32_t num_handles,
                             uintptr_t actual_bytes, uintptr_t actual_handles) {
    const struct message_room room = {
        .bytes = {bytes, num_bytes},
        .handles = {handles, num_handles},
        .actual_bytes = actual_bytes,
        .actual_handles = actual_handles,
    };
    struct attempt attempt;
    do
        attempt = try_to_read(handle, rules, &room, num_handles > 0);
    while (unlikely(attempt.status != ZX_OK) && can_try_again(&room, attempt));
    return attempt.status;
}

zx_status_t message_receive(struct message* message, const struct message_room* room) {
    bool has_handles = message_handle_count(message) > 0;
    struct attempt attempt;
    do {
        if (has_handles)
            spin_lock(&current_handles()->lock);
        attempt.status = give(message, room, true);
        if (unlikely(attempt.status != ZX_OK))
            attempt = failed_attempt(message, room, attempt.status);
        if (has_handles)
            spin_unlock(&current_handles()->lock);
        if (likely(attempt.status == ZX_OK)) {
            message_free(message); /* its handles were given away */
            return ZX_OK;
        }
    } while (can_try_again(room, attempt));
    message_destroy(message);
    return attempt.status;
}
