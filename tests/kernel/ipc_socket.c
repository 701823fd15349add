/* Sockets and event pairs as the kernel sees them: ends whose last handle has gone while a call
 * still has a reference, and ends that never had a handle. */
#include <debug/selftest.h>
#include <object/event_pair.h>
#include <ipc/socket.h>

#include "object_helpers.h"

static const struct socket_request nothing = {.size = 0};

SELFTEST(ipc_socket, socket_end_without_handles_cannot_be_written_to) {
    struct socket *near, *far;
    EXPECT_OK(socket_create(false, &near, &far));
    struct handle handles[2] = {handle_to(&near->object, SOCKET_DEFAULT_RIGHTS),
                                handle_to(&far->object, SOCKET_DEFAULT_RIGHTS)};
    EXPECT_OK(socket_write(near, &nothing));
    object_reference(&near->object); /* like a call that looked the handle up just before */
    handle_release(handles[0]);
    EXPECT_EQUAL(object_signals(&near->object), 0);
    EXPECT_EQUAL(object_signals(&far->object), ZX_SOCKET_PEER_CLOSED);
    EXPECT_EQUAL(socket_write(near, &nothing), ZX_ERR_PEER_CLOSED);
    EXPECT_EQUAL(socket_half_close(near, &nothing), ZX_ERR_PEER_CLOSED);
    EXPECT_EQUAL(socket_write(far, &nothing), ZX_ERR_PEER_CLOSED);
    spin_lock(near->object.lock);
    bool is_written = socket_write_piece_locked(near, 0, 1, 0);
    bool is_read = socket_read_piece_locked(near, 0, 1, 0);
    spin_unlock(near->object.lock);
    EXPECT(!is_written && !is_read);
    object_release(&near->object);
    handle_release(handles[1]);
}

SELFTEST(ipc_socket, ends_that_never_had_a_handle_are_closed_all_the_same) {
    size_t before = object_count();
    struct socket* sockets[2];
    EXPECT_OK(socket_create(true, &sockets[0], &sockets[1]));
    object_release(&sockets[0]->object);
    EXPECT_EQUAL(object_signals(&sockets[1]->object), ZX_SOCKET_PEER_CLOSED);
    object_release(&sockets[1]->object);

    struct event_pair_end* ends[2];
    EXPECT_OK(event_pair_create(&ends[0], &ends[1]));
    object_release(&ends[1]->object);
    EXPECT_EQUAL(object_signals(&ends[0]->object), ZX_EVENTPAIR_PEER_CLOSED);
    object_release(&ends[0]->object);
    EXPECT_EQUAL(object_count(), before);
}
