/* Writes and reads copy between user memory and the queue with the shared lock held, so that each
 * is one step for everybody else. A user page that is not present makes the attempt fail as a
 * whole; the pages are then faulted in without the lock and the attempt is made again. */
#include <ipc/socket.h>

#include <abi/errors.h>
#include <debug/panic.h>
#include <mm/slab.h>
#include <sched/thread.h>

/* What one attempt under the lock came to; never an answer for user mode. */
#define ATTEMPT_USER_FAULT ((zx_status_t)1)

static struct slab_cache socket_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(socket_cache, "socket end", sizeof(struct socket));

/* One try under the lock. `is_checked`: the user memory was found good by is_good. `needed`, which
 * is all of the buffer to begin with: how much of it has to be good. */
typedef zx_status_t (*attempt_t)(struct socket* socket, const struct socket_request* request,
                                 bool is_checked, size_t* needed);

/* Leaves the pages present for the next attempt. */
static bool is_good(const struct socket_request* request, size_t needed, bool is_read) {
    return user_fault_in(request->buffer, MIN(needed, SOCKET_CAPACITY_BYTES), is_read) &&
           (!request->actual || user_fault_in(request->actual, sizeof(size_t), true));
}

/* User pointers are looked at before the socket's state: an answer that comes from the state stands
 * only if they are good. */
static zx_status_t try_until_done(struct socket* socket, const struct socket_request* request,
                                  bool is_read, attempt_t attempt) {
    if (!user_range_is_valid(request->buffer, request->size))
        return ZX_ERR_INVALID_ARGS;
    for (bool is_checked = false;; is_checked = true) {
        size_t needed = request->size;
        spin_lock(socket->object.lock);
        zx_status_t status = attempt(socket, request, is_checked, &needed);
        spin_unlock(socket->object.lock);
        if (status == ZX_OK)
            return ZX_OK;
        if (!is_good(request, needed, is_read))
            return ZX_ERR_INVALID_ARGS;
        if (status != ATTEMPT_USER_FAULT)
            return status;
        if (thread_is_killed(thread_current()))
            return ZX_ERR_CANCELED;
    }
}

static bool tell_actual(const struct socket_request* request, size_t actual) {
    return !request->actual || user_write_size(request->actual, actual);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* How many of `size` bytes a write takes now. */
static zx_status_t writable_size_locked(const struct socket* socket, size_t size, size_t* taken) {
    if (!socket->peer)
        return ZX_ERR_PEER_CLOSED;
    if (socket->is_write_closed)
        return ZX_ERR_BAD_STATE;
    size_t room = SOCKET_CAPACITY_BYTES - socket->peer->waiting;
    bool is_datagram = socket->prefix_size > 0;
    if (size > 0 && room < (is_datagram ? size : 1))
        return ZX_ERR_SHOULD_WAIT;
    *taken = MIN(size, room);
    return ZX_OK;
}

static zx_status_t write_locked(struct socket* socket, const struct socket_request* request,
                                bool is_checked, size_t* needed) {
    (void)needed; /* all of it, however much fits */
    size_t taken, prefix_size = socket->prefix_size;
    zx_status_t status = writable_size_locked(socket, request->size, &taken);
    if (status != ZX_OK)
        return status;
    if (request->size == 0)
        return tell_actual(request, 0) ? ZX_OK : ATTEMPT_USER_FAULT;
    if (taken < request->size && !is_checked)
        return ATTEMPT_USER_FAULT;

    struct socket* reader = socket->peer;
    struct byte_queue* queue = &reader->incoming;
    if (!byte_queue_reserve(queue, prefix_size + taken))
        return ZX_ERR_NO_MEMORY;
    const struct datagram_prefix prefix = {(uint32_t)taken};
    byte_queue_fill(queue, 0, &prefix, prefix_size);
    if (!byte_queue_fill_from_user(queue, prefix_size, request->buffer, taken) ||
        !tell_actual(request, taken)) {
        byte_queue_trim(queue);
        return ATTEMPT_USER_FAULT;
    }
    byte_queue_commit(queue, prefix_size + taken);
    socket_bytes_added_locked(socket, reader, taken);
    return ZX_OK;
}

zx_status_t socket_write(struct socket* socket, const struct socket_request* request) {
    return try_until_done(socket, request, false, write_locked);
}

static zx_status_t half_close_locked(struct socket* socket, const struct socket_request* request,
                                     bool is_checked, size_t* needed) {
    (void)is_checked, (void)needed; /* there is no buffer */
    struct socket* reader = socket->peer;
    if (!reader && !socket->is_write_closed)
        return ZX_ERR_PEER_CLOSED;
    if (!tell_actual(request, 0))
        return ATTEMPT_USER_FAULT;
    if (socket->is_write_closed)
        return ZX_OK;
    socket->is_write_closed = true;
    reader->is_read_closed = true;
    object_update_signals_locked(&socket->object, ZX_SOCKET_WRITABLE, 0);
    if (reader->waiting == 0)
        object_update_signals_locked(&reader->object, 0, ZX_SOCKET_PEER_CLOSED);
    return ZX_OK;
}

zx_status_t socket_half_close(struct socket* socket, const struct socket_request* request) {
    return try_until_done(socket, request, false, half_close_locked);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The queue was full, and bytes were taken: the writer has room again, if it may still write. */
void socket_tell_room_locked(struct socket* socket) {
    if (socket->peer && !socket->is_read_closed && socket->waiting < SOCKET_CAPACITY_BYTES)
        object_update_signals_locked(&socket->peer->object, 0, ZX_SOCKET_WRITABLE);
}

/* A read must not write half of what it says, so all of it is looked at before. */
static bool is_place_present(const struct socket_request* request, size_t size) {
    bool is_buffer_present =
        size == 0 || (size <= USER_SMALL_MAX ? user_touch_small(request->buffer, size)
                                             : user_fault_in(request->buffer, size, true));
    return is_buffer_present &&
           (!request->actual || user_touch_small(request->actual, sizeof(size_t)));
}

static zx_status_t read_locked(struct socket* socket, const struct socket_request* request,
                               bool is_checked, size_t* needed) {
    (void)is_checked; /* no more is needed than what is written */
    size_t offered = socket->waiting, prefix_size = socket->prefix_size;
    if (request->size == 0 && !request->buffer)
        return tell_actual(request, offered) ? ZX_OK : ATTEMPT_USER_FAULT;
    if (offered == 0)
        return socket->peer && !socket->is_read_closed ? ZX_ERR_SHOULD_WAIT : ZX_ERR_PEER_CLOSED;
    if (prefix_size > 0) {
        struct datagram_prefix prefix;
        byte_queue_peek(&socket->incoming, 0, &prefix, sizeof(prefix));
        offered = prefix.length;
    }
    size_t copied = MIN(request->size, offered);
    *needed = copied;
    if (!is_place_present(request, copied) ||
        !byte_queue_peek_to_user(&socket->incoming, prefix_size, request->buffer, copied) ||
        !tell_actual(request, copied))
        return ATTEMPT_USER_FAULT;
    socket_bytes_taken_locked(socket, prefix_size > 0 ? offered : copied);
    return ZX_OK;
}

zx_status_t socket_read(struct socket* socket, const struct socket_request* request) {
    return try_until_done(socket, request, true, read_locked);
}

/* --- life ------------------------------------------------------------------------------------- */

static void socket_on_zero_handles(struct object* object) {
    struct socket* socket = socket_from(object);
    spin_lock(object->lock);
    struct socket* peer = socket->peer;
    if (peer) {
        socket->peer = NULL;
        peer->peer = NULL;
        /* Whoever still has a reference to this end may be about to write. */
        object_update_signals_locked(object, ZX_SOCKET_WRITABLE, 0);
        object_update_signals_locked(&peer->object, ZX_SOCKET_WRITABLE, ZX_SOCKET_PEER_CLOSED);
    }
    spin_unlock(object->lock);
}

static void socket_destroy(struct object* object) {
    struct socket* socket = socket_from(object);
    socket_on_zero_handles(object); /* it may never have had a handle */
    byte_queue_destroy(&socket->incoming);
    peer_lock_release(socket->pair_lock);
    slab_free(&socket_cache, socket);
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
    .destroy = socket_destroy,
    .peer_locked = socket_peer_locked,
    .related_koid = peer_lock_related_koid,
};

static void end_init(struct socket* socket, struct socket* peer, bool is_datagram,
                     struct peer_lock* pair_lock) {
    object_init(&socket->object, &socket_ops, &pair_lock->lock, ZX_SOCKET_WRITABLE);
    byte_queue_init(&socket->incoming);
    socket->pair_lock = pair_lock;
    socket->peer = peer;
    socket->waiting = 0;
    socket->prefix_size = is_datagram ? sizeof(struct datagram_prefix) : 0;
    socket->is_write_closed = false;
    socket->is_read_closed = false;
}

zx_status_t socket_create(bool is_datagram, struct socket** end0, struct socket** end1) {
    struct peer_lock* pair_lock = peer_lock_create(2);
    if (!pair_lock)
        return ZX_ERR_NO_MEMORY;
    *end0 = slab_alloc(&socket_cache);
    if (!*end0)
        goto free_lock;
    *end1 = slab_alloc(&socket_cache);
    if (!*end1)
        goto free_end0;
    end_init(*end0, *end1, is_datagram, pair_lock);
    end_init(*end1, *end0, is_datagram, pair_lock);
    peer_lock_set_ends(pair_lock, &(*end0)->object, &(*end1)->object);
    return ZX_OK;

free_end0:
    slab_free(&socket_cache, *end0);
free_lock:
    peer_lock_release(pair_lock);
    peer_lock_release(pair_lock);
    return ZX_ERR_NO_MEMORY;
}
