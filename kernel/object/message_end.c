#include <object/message_end.h>

#include <arch/layout.h>
#include <arch/user_copy.h>
#include <debug/panic.h>
#include <sched/thread.h>

/* What one attempt under the lock came to; never an answer for user mode. */
#define ATTEMPT_USER_FAULT ((zx_status_t)1)
#define ATTEMPT_HAS_HANDLES ((zx_status_t)2)

void message_ends_init(struct message_end* end0, struct message_end* end1,
                       struct peer_lock* pair_lock, const struct object_ops* ops) {
    struct message_end* ends[2] = {end0, end1};
    for (int i = 0; i < 2; i++) {
        object_init(&ends[i]->object, ops, &pair_lock->lock, ZX_OBJECT_WRITABLE);
        ends[i]->pair_lock = pair_lock;
        ends[i]->peer = ends[1 - i];
        ends[i]->queue = (struct message_queue){.first = NULL};
        ends[i]->cycle = (struct cycle_node){.collection = 0};
    }
}

void message_end_update_holds_handles_locked(struct message_end* end) {
    struct message_end* peer = end->peer;
    bool holds = end->queue.handle_count > 0 || (peer && peer->queue.handle_count > 0);
    atomic_store_explicit(&end->object.holds_handles, holds, memory_order_relaxed);
    if (peer)
        atomic_store_explicit(&peer->object.holds_handles, holds, memory_order_relaxed);
}

/* --- writing ---------------------------------------------------------------------------------- */

static inline zx_status_t write_locked(struct message_end* end, struct message* message) {
    struct message_end* peer = end->peer;
    if (unlikely(!peer))
        return ZX_ERR_PEER_CLOSED;
    if (unlikely(message_queue_is_full(&peer->queue)))
        return ZX_ERR_NO_MEMORY;
    message_queue_push(&peer->queue, message);
    if (message->handle_count > 0)
        message_end_update_holds_handles_locked(end);
    object_update_signals_locked(&peer->object, 0, ZX_OBJECT_READABLE);
    if (unlikely(message_queue_is_full(&peer->queue)))
        object_update_signals_locked(&end->object, ZX_OBJECT_WRITABLE, 0);
    return ZX_OK;
}

zx_status_t message_end_write(struct message_end* end, struct message* message) {
    spin_lock(end->object.lock);
    zx_status_t status = write_locked(end, message);
    spin_unlock(end->object.lock);
    return status;
}

/* --- reading ---------------------------------------------------------------------------------- */

static inline bool write_count(uintptr_t to_user, uint32_t count) {
    return to_user == 0 || user_copy_out(to_user, &count, sizeof(count));
}

static inline bool write_sizes(const struct message* message, const struct message_target* target) {
    return write_count(target->actual_bytes, message->byte_count) &&
           write_count(target->actual_handles, message->handle_count);
}

static inline bool is_same_page(uintptr_t a, uintptr_t b) {
    return (a ^ b) < PAGE_SIZE;
}

/* A word that lies in the page of `known` (0: nothing is known) needs no look of its own. */
static inline bool word_is_present(uintptr_t address, uintptr_t known) {
    return address == 0 ||
           (known != 0 && IS_ALIGNED(address, 4ul) && is_same_page(address, known)) ||
           user_fault_in(address, sizeof(uint32_t), true);
}

/* A read writes to up to four places. All but the first are looked at before anything is written, so that a
 * bad one leaves the others as they were. The first is the bytes when they lie in one page. */
static bool places_are_present(const struct message* message, const struct message_target* target) {
    uint32_t size = message->byte_count;
    if (size > 0 && !is_same_page(target->bytes, target->bytes + size - 1) &&
        !user_fault_in(target->bytes, size, true))
        return false;
    if (message->handle_count > 0 &&
        !user_fault_in(target->handles, message->handle_count * sizeof(zx_handle_t), true))
        return false;
    uintptr_t known = size > 0 ? target->bytes : 0;
    return word_is_present(target->actual_bytes, known) &&
           word_is_present(target->actual_handles, target->actual_bytes ? target->actual_bytes : known);
}

static void take_first_locked(struct message_end* end) {
    struct message_end* peer = end->peer;
    (void)message_queue_pop(&end->queue);
    if (message_queue_is_empty(&end->queue))
        object_update_signals_locked(&end->object, ZX_OBJECT_READABLE, 0);
    if (likely(peer) && !message_queue_is_full(&end->queue))
        object_update_signals_locked(&peer->object, 0, ZX_OBJECT_WRITABLE);
    if (unlikely(object_holds_handles(&end->object)))
        message_end_update_holds_handles_locked(end);
}

/* Moves the handles to the table, whose lock is held. Their values are the last thing that user
 * memory can refuse. */
static zx_status_t install_handles_locked(const struct message* message,
                                          const struct message_target* target) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    uint32_t count = message->handle_count;
    handle_table_add_many_locked(target->table, message->handles, count, values);
    if (user_copy_out(target->handles, values, count * sizeof(values[0])))
        return ZX_OK;
    handle_table_take_back_locked(target->table, count, values);
    return ATTEMPT_USER_FAULT;
}

/* The first message does not fit the target. */
static zx_status_t refuse_locked(struct message_end* end, const struct message* message,
                                 const struct message_target* target) {
    if (!write_sizes(message, target))
        return ATTEMPT_USER_FAULT;
    if (target->may_discard)
        take_first_locked(end);
    return ZX_ERR_BUFFER_TOO_SMALL;
}

/* One attempt, under the end's lock. */
static inline zx_status_t read_locked(struct message_end* end,
                                      const struct message_target* target, bool is_target_good,
                                      bool is_table_locked, const struct message* message) {
    if (unlikely(!message))
        return end->peer ? ZX_ERR_SHOULD_WAIT : ZX_ERR_PEER_CLOSED;
    if (unlikely(message->byte_count > target->bytes_room ||
                 message->handle_count > target->handles_room))
        return is_target_good ? refuse_locked(end, message, target) : ATTEMPT_USER_FAULT;
    if (message->handle_count > 0) {
        if (!is_table_locked)
            return ATTEMPT_HAS_HANDLES;
        zx_status_t status = handle_table_reserve_locked(target->table, message->handle_count);
        if (unlikely(status != ZX_OK))
            return status;
    }
    if (unlikely(!places_are_present(message, target) ||
                 !message_copy_out(message, target->bytes) || !write_sizes(message, target)))
        return ATTEMPT_USER_FAULT;
    if (message->handle_count > 0 && unlikely(install_handles_locked(message, target) != ZX_OK))
        return ATTEMPT_USER_FAULT;
    take_first_locked(end);
    return ZX_OK;
}

/* `*message`: what was at the head; it was taken if the answer says so. */
static inline zx_status_t read_once(struct message_end* end,
                                    const struct message_target* target, bool is_target_good,
                                    struct message** message) {
    spin_lock(end->object.lock);
    *message = end->queue.first;
    zx_status_t status = read_locked(end, target, is_target_good, false, *message);
    spin_unlock(end->object.lock);
    if (likely(status != ATTEMPT_HAS_HANDLES))
        return status;
    spin_lock(&target->table->lock);
    spin_lock(end->object.lock);
    *message = end->queue.first;
    status = read_locked(end, target, is_target_good, true, *message);
    spin_unlock(end->object.lock);
    spin_unlock(&target->table->lock);
    return status;
}

/* User pointers are checked before the queue's state: an answer that comes from the state stands only
 * if all of them are good. Leaves the pages present for the next attempt. */
static bool target_is_good(const struct message_target* target) {
    uint32_t bytes = MIN(target->bytes_room, ZX_CHANNEL_MAX_MSG_BYTES);
    uint32_t handles = MIN(target->handles_room, ZX_CHANNEL_MAX_MSG_HANDLES);
    return user_fault_in(target->bytes, bytes, true) &&
           user_fault_in(target->handles, handles * sizeof(zx_handle_t), true) &&
           word_is_present(target->actual_bytes, 0) && word_is_present(target->actual_handles, 0);
}

zx_status_t message_end_read(struct message_end* end, const struct message_target* target) {
    for (bool is_target_good = false;; is_target_good = true) {
        struct message* message;
        zx_status_t status = read_once(end, target, is_target_good, &message);
        if (likely(status == ZX_OK)) {
            message_free(message); /* its handles were given away */
            return ZX_OK;
        }
        if (status == ZX_ERR_BUFFER_TOO_SMALL) {
            if (target->may_discard)
                message_destroy(message);
            return status;
        }
        if (!target_is_good(target))
            return ZX_ERR_INVALID_ARGS;
        if (status != ATTEMPT_USER_FAULT)
            return status;
        if (thread_is_killed(thread_current()))
            return ZX_ERR_CANCELED;
    }
}

/* --- the end of it ---------------------------------------------------------------------------- */

void message_end_on_zero_handles(struct object* object) {
    struct message_end* end = message_end_from(object);
    spin_lock(object->lock);
    struct message_end* peer = end->peer;
    if (peer) {
        end->peer = NULL;
        peer->peer = NULL;
        message_end_update_holds_handles_locked(peer);
        if (object_holds_handles(&peer->object))
            cycle_note(&peer->object); /* its last way in from outside may have been this end */
        object_update_signals_locked(&peer->object, ZX_OBJECT_WRITABLE, ZX_OBJECT_PEER_CLOSED);
    }
    spin_unlock(object->lock);
}

/* Nobody can read what still waits here. Releasing an end that is found in a message only appends it
 * to the destroy list, so a chain of channels does not recurse. */
void message_end_destroy(struct message_end* end) {
    message_end_on_zero_handles(&end->object); /* it may never have had a handle */
    cycle_forget(&end->object);
    while (!message_queue_is_empty(&end->queue))
        message_destroy(message_queue_pop(&end->queue));
    peer_lock_release(end->pair_lock);
}

struct object* message_end_peer_locked(struct object* object) {
    struct message_end* peer = message_end_from(object)->peer;
    return peer ? &peer->object : NULL;
}
