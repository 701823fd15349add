/* Sockets: two connected ends, with bytes in each direction; a stream, or datagrams that stay
 * whole.
 *
 * Rules for sockets:
 * - Both ends share one lock (LOCK_OBJECT). It guards every field below.
 * - Each end owns the bytes that wait to be read at it, SOCKET_CAPACITY_BYTES at most. A datagram
 *   stands in the queue behind its length; the length does not count.
 * - WRITABLE is shown while a write of one byte would succeed. The peer is there, this end has not
 *   half-closed, and the peer's queue has room.
 * - PEER_CLOSED is shown when the peer is gone. It is also shown when the peer has half-closed and
 *   all its bytes have been read.
 * - A write or read copies with the lock held, so it is one step for all other threads.
 * - A call that fails has changed nothing, in the socket or in user memory. */
#pragma once

#include <abi/limits.h>
#include <abi/rights.h>
#include <ipc/byte_queue.h>
#include <object/object.h>

#define SOCKET_DEFAULT_RIGHTS \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

struct socket {
    struct object object;
    struct socket* peer;        /* NULL once the last handle of either end has gone */
    struct byte_queue incoming; /* what this end's reader will get */
    size_t waiting;             /* bytes in `incoming`, without the lengths of datagrams */
    size_t prefix_size;         /* of a datagram's length; 0: a stream */
    bool is_write_closed;       /* this end has half-closed */
    bool is_read_closed;        /* the peer has half-closed: no more bytes will come */
};

/* Makes two connected ends, with one reference each. NO_MEMORY. */
MUST_CHECK zx_status_t socket_create(bool is_datagram, struct socket** end0, struct socket** end1);

static inline struct socket* socket_from(struct object* object) {
    return CONTAINER_OF(object, struct socket, object);
}

/* The arguments are those of the system call, in its order, and then the caller's handles. So they
 * stay in their registers on the way here. `buffer` and `actual` are user memory; `actual` may be
 * 0.
 *
 * Each call returns the first error of: INVALID_ARGS (options), BAD_HANDLE, WRONG_TYPE,
 * ACCESS_DENIED; INVALID_ARGS (user memory); an error of the socket's state. CANCELED: the thread
 * is killed. A buffer is bad if it wraps around, or if one of its first SOCKET_CAPACITY_BYTES is
 * bad. Of a read that takes something, only the bytes that it writes have to be good. */

/* Options 0: PEER_CLOSED; BAD_STATE after half-closing; SHOULD_WAIT without room (for a datagram:
 * without enough room); NO_MEMORY. Options ZX_SOCKET_HALF_CLOSE, with size 0: this end writes no
 * more; PEER_CLOSED, unless the end had half-closed before. */
MUST_CHECK zx_status_t socket_write(zx_handle_t handle, uint32_t options, uintptr_t buffer,
                                    size_t size, uintptr_t actual);
/* SHOULD_WAIT, PEER_CLOSED: nothing to read, yet or ever. With size 0 and buffer 0, only writes the
 * number of waiting bytes to `actual`. */
MUST_CHECK zx_status_t socket_read(zx_handle_t handle, uint32_t options, uintptr_t buffer,
                                   size_t size, uintptr_t actual);
