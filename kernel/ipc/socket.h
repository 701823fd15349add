/* Sockets: two ends, bytes in each direction; a stream, or datagrams that stay whole.
 *
 * Both ends share one lock (LOCK_OBJECT), which guards everything here. Each end owns the bytes
 * that wait to be read at it, SOCKET_CAPACITY_BYTES at most. A datagram stands in the queue behind
 * its length, which does not count.
 *
 * WRITABLE is shown while the end may write and a byte fits: there is a peer, this end did not
 * half-close, and the peer's queue has room. PEER_CLOSED is shown when the peer is gone, or when it
 * half-closed and everything it wrote has been read. */
#pragma once

#include <abi/limits.h>
#include <arch/user_copy.h>
#include <ipc/byte_queue.h>
#include <object/object.h>

#define SOCKET_DEFAULT_RIGHTS \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

/* What stands before a datagram in the queue, aligned or not. */
struct datagram_prefix {
    uint32_t length;
} __attribute__((packed));

struct socket {
    struct object object;
    struct peer_lock* pair_lock;
    struct socket* peer;        /* NULL once the other end's last handle has gone */
    struct byte_queue incoming; /* what this end's reader will get */
    size_t waiting;             /* bytes of it, without the lengths of datagrams */
    size_t prefix_size;         /* of a datagram's length; 0: a stream */
    bool is_write_closed;       /* this end half-closed */
    bool is_read_closed;        /* the other end did: nothing more will come */
};

/* Two connected ends, one reference each. NO_MEMORY. */
MUST_CHECK zx_status_t socket_create(bool is_datagram, struct socket** end0, struct socket** end1);

static inline struct socket* socket_from(struct object* object) {
    return CONTAINER_OF(object, struct socket, object);
}

/* What a program wants copied; addresses are user memory, 0 for `actual`: not wanted. */
struct socket_request {
    uintptr_t buffer;
    size_t size;
    uintptr_t actual;
};

/* The caller has a reference and no lock. A call that fails has changed nothing, in the socket or
 * in user memory. All of them: INVALID_ARGS (bad user memory), CANCELED (the thread is killed). A
 * buffer is bad if it wraps around, or one of its first SOCKET_CAPACITY_BYTES is; for a read that
 * takes something, if one of the bytes is that it writes. */

/* PEER_CLOSED; BAD_STATE after half-closing; SHOULD_WAIT: no room, for a datagram not enough;
 * NO_MEMORY. */
MUST_CHECK zx_status_t socket_write(struct socket* socket, const struct socket_request* request);
/* SHOULD_WAIT, PEER_CLOSED: nothing to read, yet or ever. A request of no size at no buffer tells
 * the bytes waiting. */
MUST_CHECK zx_status_t socket_read(struct socket* socket, const struct socket_request* request);
/* No more writes at this end; only `actual` is used. PEER_CLOSED, unless it was done before. */
MUST_CHECK zx_status_t socket_half_close(struct socket* socket,
                                         const struct socket_request* request);

/* --- the quick way ---------------------------------------------------------------------------- */

void socket_tell_room_locked(struct socket* socket);

/* `size` bytes were put into the peer's queue, or taken from this end's. */
static inline void socket_bytes_added_locked(struct socket* socket, struct socket* reader,
                                             size_t size) {
    reader->waiting += size;
    object_update_signals_locked(&reader->object, 0, ZX_SOCKET_READABLE);
    if (unlikely(reader->waiting == SOCKET_CAPACITY_BYTES))
        object_update_signals_locked(&socket->object, ZX_SOCKET_WRITABLE, 0);
}

static inline void socket_bytes_taken_locked(struct socket* socket, size_t size) {
    bool was_full = socket->waiting == SOCKET_CAPACITY_BYTES;
    byte_queue_consume(&socket->incoming, socket->prefix_size + size);
    socket->waiting -= size;
    if (socket->waiting == 0)
        object_update_signals_locked(&socket->object, ZX_SOCKET_READABLE,
                                     socket->is_read_closed ? ZX_SOCKET_PEER_CLOSED : 0);
    if (unlikely(was_full))
        socket_tell_room_locked(socket);
}

/* The usual case: all of it (not nothing) fits into one page, and user memory is present; `actual`
 * 0: not wanted. False: nothing was done, and the functions above tell why. Under the lock; the end
 * needs no reference, because whoever closes its last handle needs the lock before it can go. */
MUST_CHECK static ALWAYS_INLINE bool
socket_write_piece_locked(struct socket* socket, uintptr_t buffer, size_t size, uintptr_t actual) {
    struct socket* reader = socket->peer;
    size_t prefix_size = socket->prefix_size;
    if (unlikely(!(object_signals(&socket->object) & ZX_SOCKET_WRITABLE) ||
                 size > SOCKET_CAPACITY_BYTES - reader->waiting))
        return false;
    struct byte_queue* queue = &reader->incoming;
    if (unlikely(!byte_queue_has_end_piece(queue, prefix_size + size)) ||
        unlikely(!user_copy_in_with_size(queue->tail + prefix_size, buffer, size, actual, size)))
        return false;
    if (prefix_size > 0)
        ((struct datagram_prefix*)queue->tail)->length = (uint32_t)size;
    byte_queue_commit_piece(queue, prefix_size + size);
    socket_bytes_added_locked(socket, reader, size);
    return true;
}

MUST_CHECK static ALWAYS_INLINE bool
socket_read_piece_locked(struct socket* socket, uintptr_t buffer, size_t size, uintptr_t actual) {
    const struct byte_queue* queue = &socket->incoming;
    size_t offered = socket->waiting, prefix_size = socket->prefix_size;
    if (unlikely(offered == 0 || !user_range_is_valid(buffer, size)))
        return false;
    if (prefix_size > 0) {
        if (unlikely(!byte_queue_has_front_piece(queue, prefix_size)))
            return false;
        offered = ((const struct datagram_prefix*)queue->head)->length;
    }
    size_t copied = MIN(size, offered);
    if (unlikely(!byte_queue_has_front_piece(queue, prefix_size + copied)) ||
        unlikely(
            !user_copy_out_with_size(buffer, queue->head + prefix_size, copied, actual, copied)))
        return false;
    socket_bytes_taken_locked(socket, prefix_size > 0 ? offered : copied);
    return true;
}
