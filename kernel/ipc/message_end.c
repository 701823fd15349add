#include <ipc/message_end.h>

#include <arch/user_copy.h>
#include <debug/panic.h>
#include <ipc/message_call.h>
#include <sched/thread.h>

/* What one attempt under the locks came to; never an answer for user mode. */
#define ATTEMPT_USER_FAULT ((zx_status_t)1)

static void connect(struct message_end* end, struct message_end* peer, struct peer_lock* pair_lock,
                    const struct object_ops* ops) {
    object_init(&end->object, ops, &pair_lock->lock, ZX_OBJECT_WRITABLE);
    end->pair_lock = pair_lock;
    end->peer = peer;
    message_queue_init(&end->queue);
    end->calls = (struct tree){.root = NULL};
    end->next_call_id = end->next_call_order = 0;
    end->cycle = (struct cycle_node){.pins = 1};
    end->is_reply = false;
}

static struct slab_cache message_end_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(message_end_cache, "message end", sizeof(struct message_end));

zx_status_t message_ends_create(const struct object_ops* ops, struct message_end** end0,
                                struct message_end** end1) {
    struct peer_lock* pair_lock = peer_lock_create(2);
    if (!pair_lock)
        return ZX_ERR_NO_MEMORY;
    *end0 = slab_alloc(&message_end_cache);
    if (!*end0)
        goto free_lock;
    *end1 = slab_alloc(&message_end_cache);
    if (!*end1)
        goto free_end0;
    connect(*end0, *end1, pair_lock, ops);
    connect(*end1, *end0, pair_lock, ops);
    peer_lock_set_ends(pair_lock, &(*end0)->object, &(*end1)->object);
    return ZX_OK;

free_end0:
    slab_free(&message_end_cache, *end0);
free_lock:
    peer_lock_release(pair_lock);
    peer_lock_release(pair_lock);
    return ZX_ERR_NO_MEMORY;
}

/* --- writing ---------------------------------------------------------------------------------- */

zx_status_t message_end_push_unusual_locked(struct message_end* end, struct message* message,
                                            size_t size, uint32_t handle_count) {
    struct message_end* peer = end->peer;
    if (!peer)
        return ZX_ERR_PEER_CLOSED;
    if (message_call_answer_locked(peer, message))
        return ZX_OK;
    if (!(object_signals(&end->object) & ZX_OBJECT_WRITABLE))
        return ZX_ERR_NO_MEMORY;
    message_end_queue_locked(end, peer, message, size, handle_count);
    return ZX_OK;
}

zx_status_t message_end_push_unusual_and_unlock(struct message_end* end, struct message* message) {
    if (likely(end->peer) && likely(message_call_answer_locked(end->peer, message))) {
        spin_unlock_inner(end->object.lock);
        preempt_enable_and_switch();
        return ZX_OK;
    }
    zx_status_t status = message_end_push_unusual_locked(end, message, message->byte_count, 0);
    spin_unlock(end->object.lock);
    if (status != ZX_OK)
        message_free(message);
    return status;
}

zx_status_t message_end_write(struct message_end* end, struct message* message) {
    spin_lock(end->object.lock);
    zx_status_t status = message_end_push_locked(end, message, message_queued_size(message),
                                                 message_handle_count(message));
    spin_unlock(end->object.lock);
    return status;
}

/* --- reading ---------------------------------------------------------------------------------- */

void message_end_tell_room_locked(struct message_end* end) {
    message_queue_update_full(&end->queue);
    if (end->peer && !end->queue.is_full)
        object_update_signals_locked(&end->peer->object, 0, ZX_OBJECT_WRITABLE);
}
KEEPING_CALLABLE(message_end_tell_room_locked);

static inline void take_first_locked(struct message_end* end, const struct message* message) {
    message_end_take_first_locked(end, message_queued_size(message), message_handle_count(message));
}

/* A read writes to up to four places: bytes, both counts, and the values of the handles, which come
 * last because they are known last. A bad place must leave the others as they were, so all but the
 * first written are looked at before. */

static inline bool counts_are_present(const struct message_request* request) {
    return (!request->actual_bytes || user_touch_small(request->actual_bytes, sizeof(uint32_t))) &&
           (!request->actual_handles ||
            user_touch_small(request->actual_handles, sizeof(uint32_t)));
}

static inline bool write_counts(const struct message* message,
                                const struct message_request* request) {
    return (!request->actual_bytes ||
            user_write_word(request->actual_bytes, message->byte_count)) &&
           (!request->actual_handles ||
            user_write_word(request->actual_handles, message_handle_count(message)));
}

static ALWAYS_INLINE bool write_bytes_and_counts(struct message* message,
                                                 const struct message_request* request) {
    if (likely(!(message->shape & MESSAGE_PAGED)))
        return user_copy_out_with_words(request->bytes, message_inline_bytes(message),
                                        message->byte_count, request->actual_bytes,
                                        message->byte_count, request->actual_handles,
                                        message_handle_count(message));
    bool is_present = message->byte_count <= PAGE_SIZE_BYTES
                          ? user_touch_small(request->bytes, message->byte_count)
                          : user_fault_in(request->bytes, message->byte_count, true);
    return is_present && counts_are_present(request) &&
           message_copy_out_paged(message, request->bytes) && write_counts(message, request);
}

/* Moves the handles to the table, whose lock is held. They show once nothing can fail any more:
 * taking one back could mean waiting for somebody who uses it and wants this end's lock. */
static ALWAYS_INLINE bool install_handles_locked(struct message* message,
                                                 const struct message_request* request) {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES];
    uint32_t count = message_handle_count(message);
    handle_table_next_values_locked(request->table, values, count);
    if (unlikely(!user_copy_out_with_words(request->handles, values, count * sizeof(values[0]), 0,
                                           0, 0, 0)))
        return false;
    handle_table_add_many_locked(request->table, message_handles(message), count);
    return true;
}

static ALWAYS_INLINE bool fits(const struct message* message,
                               const struct message_request* request) {
    return request->has_places && message->byte_count <= request->bytes_room &&
           message_handle_count(message) <= request->handles_room;
}

/* The message does not fit: the sizes are told. */
static zx_status_t refuse(const struct message* message, const struct message_request* request) {
    return write_counts(message, request) ? ZX_ERR_BUFFER_TOO_SMALL : ATTEMPT_USER_FAULT;
}

/* With the table locked: a message with handles that fits. */
static ALWAYS_INLINE zx_status_t give_with_handles_locked(struct message* message,
                                                          const struct message_request* request) {
    uint32_t count = message_handle_count(message);
    zx_status_t status = handle_table_reserve_locked(request->table, count);
    if (unlikely(status != ZX_OK))
        return status;
    if (unlikely(!user_touch_small(request->handles, count * sizeof(zx_handle_t)) ||
                 !write_bytes_and_counts(message, request) ||
                 !install_handles_locked(message, request)))
        return ATTEMPT_USER_FAULT;
    return ZX_OK;
}

/* What came of an attempt besides its status. */
struct attempt {
    struct message* taken; /* out of the queue, whatever the status */
    /* How much of the rooms must be good for the next attempt: what the message needs, if it fits.
     */
    uint32_t bytes_needed, handles_needed;
};

/* One attempt at a message without handles, or one that does not fit; drops the end's lock. */
static ALWAYS_INLINE zx_status_t read_bytes_and_unlock(struct message_end* end,
                                                       const struct message_request* request,
                                                       bool is_request_good,
                                                       struct attempt* attempt) {
    struct message* message = end->queue.first;
    zx_status_t status;
    bool can_have_it = message && fits(message, request);
    attempt->bytes_needed = can_have_it ? message->byte_count : request->bytes_room;
    attempt->handles_needed = can_have_it ? 0 : request->handles_room;
    if (likely(can_have_it)) {
        status = write_bytes_and_counts(message, request) ? ZX_OK : ATTEMPT_USER_FAULT;
        if (status == ZX_OK)
            take_first_locked(end, message);
    } else if (message) {
        status = is_request_good ? refuse(message, request) : ATTEMPT_USER_FAULT;
        if (status == ZX_ERR_BUFFER_TOO_SMALL && request->may_discard)
            take_first_locked(end, message);
    } else {
        status = end->peer ? ZX_ERR_SHOULD_WAIT : ZX_ERR_PEER_CLOSED;
    }
    attempt->taken = end->queue.first == message ? NULL : message;
    spin_unlock(end->object.lock);
    return status;
}

/* The same for any message, with the table locked as well; drops both locks, the table's early if
 * no handles come. */
static ALWAYS_INLINE zx_status_t read_any_and_unlock(struct message_end* end,
                                                     const struct message_request* request,
                                                     bool is_request_good,
                                                     struct attempt* attempt) {
    struct message* message = end->queue.first;
    if (!message || message_handle_count(message) == 0 || !fits(message, request)) {
        spin_unlock_outer(&request->table->lock);
        return read_bytes_and_unlock(end, request, is_request_good, attempt);
    }
    attempt->bytes_needed = message->byte_count;
    attempt->handles_needed = message_handle_count(message);
    zx_status_t status = give_with_handles_locked(message, request);
    if (status == ZX_OK) {
        take_first_locked(end, message);
        attempt->taken = message;
    }
    spin_unlock_inner(end->object.lock);
    spin_unlock(&request->table->lock);
    return status;
}

static ALWAYS_INLINE zx_status_t try_to_read(const struct message_request* request,
                                             bool is_request_good, struct attempt* attempt) {
    struct handle_table* table = request->table;
    struct handle_slot* slot;
    zx_status_t status;
    if (request->handles_room == 0) {
        status = handle_hold(table, request->handle, request->type, ZX_RIGHT_READ, &slot);
        if (unlikely(status != ZX_OK))
            return status;
        struct message_end* end = message_end_from(slot->object);
        spin_lock_inner(end->object.lock);
        handle_let_go_outer(slot, request->handle);
        return read_bytes_and_unlock(end, request, is_request_good, attempt);
    }
    spin_lock(&table->lock);
    status = handle_table_check_locked(table, request->handle, request->type, ZX_RIGHT_READ, &slot);
    if (unlikely(status != ZX_OK)) {
        spin_unlock(&table->lock);
        return status;
    }
    struct message_end* end = message_end_from(slot->object);
    spin_lock_inner(end->object.lock);
    return read_any_and_unlock(end, request, is_request_good, attempt);
}

/* User pointers are checked before the queue's state: an answer that comes from the state stands
 * only if all of them are good. Leaves the pages present for the next attempt. */
bool message_request_is_good(const struct message_request* request) {
    if (likely(request->handles_room == 0 && request->bytes_room <= USER_SMALL_MAX))
        return request->has_places &&
               user_touch_with_words(request->bytes, request->bytes_room, request->actual_bytes,
                                     request->actual_handles);
    size_t bytes = MIN(request->bytes_room, ZX_CHANNEL_MAX_MSG_BYTES);
    size_t handles = MIN(request->handles_room, ZX_CHANNEL_MAX_MSG_HANDLES);
    return request->has_places && user_fault_in(request->bytes, bytes, true) &&
           user_fault_in(request->handles, handles * sizeof(zx_handle_t), true) &&
           counts_are_present(request);
}

/* After an attempt that took nothing; OK: try again. */
static NOINLINE zx_status_t after_attempt(const struct message_request* request,
                                          const struct attempt* attempt, zx_status_t status) {
    bool is_about_handle = status == ZX_ERR_BAD_HANDLE || status == ZX_ERR_WRONG_TYPE ||
                           status == ZX_ERR_ACCESS_DENIED;
    if (is_about_handle) {
        handle_fault(request->table, status);
        return status;
    }
    struct message_request needed = *request;
    needed.bytes_room = attempt->bytes_needed;
    needed.handles_room = attempt->handles_needed;
    if (!message_request_is_good(&needed))
        return ZX_ERR_INVALID_ARGS;
    if (status != ATTEMPT_USER_FAULT)
        return status;
    return thread_is_killed(thread_current()) ? ZX_ERR_CANCELED : ZX_OK;
}

zx_status_t message_end_read(const struct message_request* request) {
    bool is_request_good = false;
    for (;;) {
        struct attempt attempt = {.taken = NULL};
        zx_status_t status = try_to_read(request, is_request_good, &attempt);
        if (likely(status == ZX_OK)) {
            message_free(attempt.taken); /* its handles were given away */
            return ZX_OK;
        }
        if (attempt.taken)
            message_destroy(attempt.taken);
        if (status == ZX_ERR_BUFFER_TOO_SMALL)
            return status;
        status = after_attempt(request, &attempt, status);
        if (status != ZX_OK)
            return status;
        is_request_good = attempt.bytes_needed == request->bytes_room &&
                          attempt.handles_needed == request->handles_room;
    }
}

static zx_status_t give(struct message* message, const struct message_request* request) {
    if (!fits(message, request))
        return refuse(message, request);
    if (message_handle_count(message) == 0)
        return write_bytes_and_counts(message, request) ? ZX_OK : ATTEMPT_USER_FAULT;
    spin_lock(&request->table->lock);
    zx_status_t status = give_with_handles_locked(message, request);
    spin_unlock(&request->table->lock);
    return status;
}

/* With the table locked the copies fail where a page is missing; then it is brought in, and all of
 * it is done again. */
zx_status_t message_receive(struct message* message, const struct message_request* request) {
    if (likely(message_is_small(message) && fits(message, request)) &&
        likely(write_bytes_and_counts(message, request))) {
        message_free_small(message);
        return ZX_OK;
    }
    zx_status_t status = give(message, request);
    while (unlikely(status == ATTEMPT_USER_FAULT)) {
        if (!message_request_is_good(request))
            status = ZX_ERR_INVALID_ARGS;
        else if (thread_is_killed(thread_current()))
            status = ZX_ERR_CANCELED;
        else
            status = give(message, request);
    }
    if (likely(status == ZX_OK))
        message_free(message); /* its handles were given away */
    else
        message_destroy(message);
    return status;
}

/* --- the end of it ---------------------------------------------------------------------------- */

void message_end_on_zero_handles(struct object* object) {
    struct message_end* end = message_end_from(object);
    spin_lock(object->lock);
    struct message_end* peer = end->peer;
    if (peer) {
        end->peer = NULL;
        peer->peer = NULL;
        /* Whoever still has a reference to this end may be about to write. */
        object_update_signals_locked(object, ZX_OBJECT_WRITABLE, 0);
        if (peer->queue.handle_count > 0)
            message_cycle_note(
                &peer->object); /* its last way in from outside may have been this end */
        object_update_signals_locked(&peer->object, ZX_OBJECT_WRITABLE, ZX_OBJECT_PEER_CLOSED);
    }
    spin_unlock(object->lock);
}

struct message* message_end_take_all(struct message_end* end) {
    spin_lock(end->object.lock);
    struct message* first = message_queue_take_all(&end->queue);
    spin_unlock(end->object.lock);
    return first;
}

/* Nobody can read what still waits here. Releasing an end that is found in a message only appends
 * it to the destroy list, so a chain of channels does not recurse. */
void message_end_destroy(struct object* object) {
    struct message_end* end = message_end_from(object);
    message_end_on_zero_handles(object); /* it may never have had a handle */
    message_cycle_forget(object);
    struct message* first = message_queue_is_empty(&end->queue) ? NULL : message_end_take_all(end);
    for (struct message *message = first, *next; message; message = next) {
        next = message->next;
        message_destroy(message);
    }
    message_end_unpin(end);
}

/* The last pin needs no atomic step: no thread can pin the end any more. */
void message_end_unpin(struct message_end* end) {
    if (atomic_load_explicit(&end->cycle.pins, memory_order_acquire) > 1 &&
        atomic_fetch_sub_explicit(&end->cycle.pins, 1, memory_order_acq_rel) > 1)
        return;
    peer_lock_release(end->pair_lock);
    slab_free(&message_end_cache, end);
}

struct object* message_end_peer_locked(struct object* object) {
    struct message_end* peer = message_end_from(object)->peer;
    return peer ? &peer->object : NULL;
}
