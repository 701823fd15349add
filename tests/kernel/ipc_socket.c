/* Sockets and event pairs as the kernel sees them: ends whose peer has gone, and ends that never
 * had a handle. */
#include <object/event_pair.h>
#include <ipc/socket.h>

#include "object_helpers.h"
#include "selftest.h"

SELFTEST(ipc_socket, an_end_that_a_call_still_uses_is_closed_with_its_last_handle) {
    struct socket *near, *far;
    EXPECT_OK(socket_create(false, &near, &far));
    struct handle near_handle = handle_to(&near->object, SOCKET_DEFAULT_RIGHTS);
    struct handle far_handle = handle_to(&far->object, SOCKET_DEFAULT_RIGHTS);
    object_reference(&near->object); /* like a call that looked the handle up just before */
    handle_release(near_handle);
    EXPECT_EQUAL(object_signals(&near->object), 0);
    EXPECT(near->peer == NULL && far->peer == NULL);
    EXPECT_EQUAL(object_signals(&far->object), ZX_SOCKET_PEER_CLOSED);
    object_release(&near->object);
    handle_release(far_handle);
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
