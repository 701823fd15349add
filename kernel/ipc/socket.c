/* Writing and reading are attempts under the lock. The first attempt needs no reference to the end
 * (handle_lock_object).
 *
 * Races:
 * 1. User memory can be absent, or can be unmapped by another thread at any time. No page can be
 *    brought in with a spinlock held. An attempt that meets absent memory changes nothing and
 *    returns INVALID_ARGS. The caller then brings the pages in without the lock, and tries again.
 * 2. Without the lock, the handle can be closed. The reference keeps the memory. The next attempt
 *    finds the peer gone. */
#include <ipc/socket.h>

#include <abi/errors.h>
#include <abi/pipes.h>
#include <arch/user_copy.h>
#include <object/handle_lock.h>
#include <object/object_pair.h>
#include <sched/thread.h>
#include <task/process.h>

/* Stands before a datagram in the queue, aligned or not. */
struct datagram_prefix {
    uint32_t length;
} __attribute__((packed));

static struct slab_cache socket_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(socket_cache, "socket end", sizeof(struct socket));

static const struct object_ops socket_ops;

/* --- attempts --------------------------------------------------------------------------------- */

/* What a call wants to copy. All attempts of the call share it. */
struct request {
    uintptr_t buffer;
    size_t size;
    uintptr_t actual; /* 0: not wanted */
    bool is_checked;  /* user memory was found good */
    size_t needed; /* how many bytes of the buffer must be good: all, or those that a read writes */
};

/* One attempt, with the lock held. It returns INVALID_ARGS for user memory that it cannot reach,
 * and only for that (race 1). */
typedef zx_status_t (*attempt_t)(struct socket* socket, struct request* request);

/* Brings the pages in for the next attempt. False: the program may not use them. */
static bool is_user_memory_good(const struct request* request, bool is_read) {
    return user_range_is_valid(request->buffer, request->size) &&
           user_fault_in(request->buffer, MIN(request->needed, SOCKET_CAPACITY_BYTES), is_read) &&
           (!request->actual || user_fault_in(request->actual, sizeof(size_t), true));
}

/* Makes attempts until one succeeds or fails for good. An error of the socket's state counts only
 * if user memory is good. */
static zx_status_t try_until_done(struct socket* socket, struct request* request, attempt_t attempt,
                                  bool is_read) {
    for (;; request->is_checked = true) {
        request->needed = request->size;
        spin_lock(socket->object.lock);
        zx_status_t status = attempt(socket, request);
        spin_unlock(socket->object.lock);
        if (status == ZX_OK)
            return status;
        if (!is_user_memory_good(request, is_read)) /* race 1 */
            return ZX_ERR_INVALID_ARGS;
        if (status != ZX_ERR_INVALID_ARGS)
            return status;
        if (thread_is_killed(thread_current()))
            return ZX_ERR_CANCELED;
    }
}

/* Called with the lock held, returns without it. */
static NOINLINE zx_status_t unlock_and_try(struct socket* socket, uintptr_t buffer, size_t size,
                                           uintptr_t actual, attempt_t attempt, bool is_read) {
    struct request request = {.buffer = buffer, .size = size, .actual = actual};
    object_reference(&socket->object); /* race 2 */
    spin_unlock(socket->object.lock);
    zx_status_t status = try_until_done(socket, &request, attempt, is_read);
    object_release(&socket->object);
    return status;
}

static ALWAYS_INLINE zx_status_t lock_end(zx_handle_t handle, zx_rights_t right,
                                          struct socket** socket) {
    struct object* object = NULL;
    zx_status_t status =
        handle_lock_object(current_handles(), handle, ZX_OBJ_TYPE_SOCKET, right, &object);
    *socket = socket_from(object);
    return status;
}

/* `to_user` 0: not wanted. */
static zx_status_t write_actual(uintptr_t to_user, size_t actual) {
    return !to_user || user_write_size(to_user, actual) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* --- life ------------------------------------------------------------------------------------- */

static void end_init(struct socket* socket, struct socket* peer, bool is_datagram) {
    byte_queue_init(&socket->incoming);
    socket->peer = peer;
    socket->waiting = 0;
    socket->prefix_size = is_datagram ? sizeof(struct datagram_prefix) : 0;
    socket->is_write_closed = false;
    socket->is_read_closed = false;
}

zx_status_t socket_create(bool is_datagram, struct socket** end0, struct socket** end1) {
    struct object* ends[2];
    zx_status_t status = object_pair_create(&socket_cache, &socket_ops, ZX_SOCKET_WRITABLE, ends);
    if (status != ZX_OK)
        return status;
    *end0 = socket_from(ends[0]);
    *end1 = socket_from(ends[1]);
    end_init(*end0, *end1, is_datagram);
    end_init(*end1, *end0, is_datagram);
    return ZX_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Returns in *taken how many of `size` bytes a write takes now, or an error of the socket's
 * state. */
static ALWAYS_INLINE zx_status_t writable_size_locked(const struct socket* socket, size_t size,
                                                      size_t* taken) {
    if (!socket->peer)
        return ZX_ERR_PEER_CLOSED;
    if (socket->is_write_closed)
        return ZX_ERR_BAD_STATE;
    size_t room = SOCKET_CAPACITY_BYTES - socket->peer->waiting;
    *taken = MIN(size, room);
    if (size > room && (room == 0 || socket->prefix_size > 0))
        return ZX_ERR_SHOULD_WAIT;
    return ZX_OK;
}

static ALWAYS_INLINE void bytes_added_locked(struct socket* socket, size_t size) {
    struct socket* reader = socket->peer;
    reader->waiting += size;
    object_update_signals_locked(&reader->object, 0, ZX_SOCKET_READABLE);
    if (reader->waiting == SOCKET_CAPACITY_BYTES)
        object_update_signals_locked(&socket->object, ZX_SOCKET_WRITABLE, 0);
}

static zx_status_t write_locked(struct socket* socket, struct request* request) {
    size_t taken, prefix_size = socket->prefix_size;
    zx_status_t status = writable_size_locked(socket, request->size, &taken);
    if (status != ZX_OK)
        return status;
    if (request->size == 0)
        return write_actual(request->actual, 0);
    if (taken < request->size && !request->is_checked)
        return ZX_ERR_INVALID_ARGS; /* the bytes that do not fit have to be good, too */

    struct byte_queue* queue = &socket->peer->incoming;
    if (!byte_queue_reserve(queue, prefix_size + taken))
        return ZX_ERR_NO_MEMORY;
    const struct datagram_prefix prefix = {(uint32_t)taken};
    byte_queue_fill(queue, 0, &prefix, prefix_size);
    if (!byte_queue_fill_from_user(queue, prefix_size, request->buffer, taken) ||
        write_actual(request->actual, taken) != ZX_OK) {
        byte_queue_trim(queue);
        return ZX_ERR_INVALID_ARGS;
    }
    byte_queue_commit(queue, prefix_size + taken);
    bytes_added_locked(socket, taken);
    return ZX_OK;
}

static zx_status_t half_close_locked(struct socket* socket, struct request* request) {
    struct socket* reader = socket->peer;
    if (!reader && !socket->is_write_closed)
        return ZX_ERR_PEER_CLOSED;
    zx_status_t status = write_actual(request->actual, 0);
    if (status != ZX_OK || socket->is_write_closed)
        return status;
    socket->is_write_closed = true;
    reader->is_read_closed = true;
    object_update_signals_locked(&socket->object, ZX_SOCKET_WRITABLE, 0);
    if (reader->waiting == 0)
        object_update_signals_locked(&reader->object, 0, ZX_SOCKET_PEER_CLOSED);
    return ZX_OK;
}

/* Whether `size` is not 0, and all bytes can be written to memory that the queue already has. */
static ALWAYS_INLINE bool fits_in_one_piece_locked(const struct socket* socket, size_t size) {
    size_t taken;
    return writable_size_locked(socket, size, &taken) == ZX_OK && taken == size && size > 0 &&
           byte_queue_has_end_piece(&socket->peer->incoming, socket->prefix_size + size);
}

static NOINLINE zx_status_t half_close(zx_handle_t handle, uintptr_t actual) {
    struct socket* socket;
    zx_status_t status = lock_end(handle, ZX_RIGHT_WRITE, &socket);
    if (status != ZX_OK)
        return status;
    return unlock_and_try(socket, 0, 0, actual, half_close_locked, false);
}

zx_status_t socket_write(zx_handle_t handle, uint32_t options, uintptr_t buffer, size_t size,
                         uintptr_t actual) {
    if (unlikely(options != 0)) {
        if (options != ZX_SOCKET_HALF_CLOSE || size > 0)
            return ZX_ERR_INVALID_ARGS;
        return half_close(handle, actual);
    }
    struct socket* socket;
    zx_status_t status = lock_end(handle, ZX_RIGHT_WRITE, &socket);
    if (status != ZX_OK)
        return status;
    /* The fast path takes no reference and makes one attempt. Saves 272 of 618 instructions of a
     * write and a read of 64 bytes. */
    size_t prefix_size = socket->prefix_size;
    if (QUICK(socket_write, fits_in_one_piece_locked(socket, size) &&
                                user_copy_in_with_size(socket->peer->incoming.tail + prefix_size,
                                                       buffer, size, actual, size))) {
        struct byte_queue* queue = &socket->peer->incoming;
        if (prefix_size > 0)
            ((struct datagram_prefix*)queue->tail)->length = (uint32_t)size;
        byte_queue_commit_piece(queue, prefix_size + size);
        bytes_added_locked(socket, size);
        spin_unlock(socket->object.lock);
        return ZX_OK;
    }
    return unlock_and_try(socket, buffer, size, actual, write_locked, false);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The bytes have been copied out. If the queue was full, the peer may write again. */
static ALWAYS_INLINE void consume_locked(struct socket* socket, size_t size) {
    bool was_full = socket->waiting == SOCKET_CAPACITY_BYTES;
    byte_queue_consume(&socket->incoming, socket->prefix_size + size);
    socket->waiting -= size;
    if (socket->waiting == 0)
        object_update_signals_locked(&socket->object, ZX_SOCKET_READABLE,
                                     socket->is_read_closed ? ZX_SOCKET_PEER_CLOSED : 0);
    if (unlikely(was_full) && size > 0 && socket->peer && !socket->is_read_closed)
        object_update_signals_locked(&socket->peer->object, 0, ZX_SOCKET_WRITABLE);
}

/* A read that fails must not have written anything, so all user memory is checked before the
 * copy. */
static bool can_write_to_user(const struct request* request, size_t size) {
    bool is_present =
        size == 0 || (size <= USER_SMALL_MAX ? user_touch_small(request->buffer, size)
                                             : user_fault_in(request->buffer, size, true));
    return is_present && (!request->actual || user_touch_small(request->actual, sizeof(size_t)));
}

static zx_status_t read_locked(struct socket* socket, struct request* request) {
    const struct byte_queue* queue = &socket->incoming;
    size_t offered = socket->waiting, prefix_size = socket->prefix_size;
    if (!user_range_is_valid(request->buffer, request->size))
        return ZX_ERR_INVALID_ARGS;
    if (request->size == 0 && !request->buffer)
        return write_actual(request->actual, offered);
    if (offered == 0)
        return socket->peer && !socket->is_read_closed ? ZX_ERR_SHOULD_WAIT : ZX_ERR_PEER_CLOSED;
    if (prefix_size > 0) {
        struct datagram_prefix prefix;
        byte_queue_peek(queue, 0, &prefix, sizeof(prefix));
        offered = prefix.length;
    }
    size_t copied = MIN(request->size, offered);
    request->needed = copied;
    if (!can_write_to_user(request, copied) ||
        !byte_queue_peek_to_user(queue, prefix_size, request->buffer, copied) ||
        write_actual(request->actual, copied) != ZX_OK)
        return ZX_ERR_INVALID_ARGS;
    consume_locked(socket, prefix_size > 0 ? offered : copied);
    return ZX_OK;
}

/* Returns how many bytes the next read can take; for a datagram this is its length. 0: no bytes
 * wait, or the length is not in one piece. */
static ALWAYS_INLINE size_t front_size_locked(const struct socket* socket) {
    const struct byte_queue* queue = &socket->incoming;
    if (socket->prefix_size == 0 || socket->waiting == 0)
        return socket->waiting;
    bool is_piece = byte_queue_has_front_piece(queue, sizeof(struct datagram_prefix));
    return is_piece ? ((const struct datagram_prefix*)queue->head)->length : 0;
}

zx_status_t socket_read(zx_handle_t handle, uint32_t options, uintptr_t buffer, size_t size,
                        uintptr_t actual) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    struct socket* socket;
    zx_status_t status = lock_end(handle, ZX_RIGHT_READ, &socket);
    if (status != ZX_OK)
        return status;
    /* The fast path: the bytes are in one piece of memory. Saves 198 of 544 instructions of a write
     * and a read of 64 bytes. */
    const struct byte_queue* queue = &socket->incoming;
    size_t offered = front_size_locked(socket), prefix_size = socket->prefix_size;
    size_t copied = MIN(size, offered);
    if (QUICK(socket_read, copied > 0 && user_range_is_valid(buffer, size) &&
                               byte_queue_has_front_piece(queue, prefix_size + copied) &&
                               user_copy_out_with_size(buffer, queue->head + prefix_size, copied,
                                                       actual, copied))) {
        consume_locked(socket, prefix_size > 0 ? offered : copied);
        spin_unlock(socket->object.lock);
        return ZX_OK;
    }
    return unlock_and_try(socket, buffer, size, actual, read_locked, true);
}

/* --- the end of it ---------------------------------------------------------------------------- */

/* Calls that still have a reference to the end fail from here on (race 2). */
static void socket_on_zero_handles(struct object* object) {
    struct socket* socket = socket_from(object);
    spin_lock(object->lock);
    struct socket* peer = socket->peer;
    if (peer) {
        socket->peer = NULL;
        peer->peer = NULL;
        object_update_signals_locked(object, ZX_SOCKET_WRITABLE, 0);
        object_update_signals_locked(&peer->object, ZX_SOCKET_WRITABLE, ZX_SOCKET_PEER_CLOSED);
    }
    spin_unlock(object->lock);
}

static bool socket_destroy_some(struct object* object, int64_t* units) {
    socket_on_zero_handles(object); /* it may never have had a handle */
    if (byte_queue_destroy_some(&socket_from(object)->incoming, units))
        return true;
    object_pair_free(&socket_cache, object);
    return false;
}

static struct object* socket_peer_locked(struct object* object) {
    struct socket* peer = socket_from(object)->peer;
    return peer ? &peer->object : NULL;
}

static const struct object_ops socket_ops = {
    .type = ZX_OBJ_TYPE_SOCKET,
    .name = "socket",
    .default_rights = SOCKET_DEFAULT_RIGHTS,
    .user_signals = ZX_USER_SIGNAL_ALL,
    .on_zero_handles = socket_on_zero_handles,
    .destroy_some = socket_destroy_some,
    .peer_locked = socket_peer_locked,
    .related_koid = peer_lock_related_koid,
};
