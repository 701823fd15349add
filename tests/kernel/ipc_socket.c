/* Sockets and event pairs as the kernel sees them: ends whose peer has gone, and ends that never
 * had a handle. */
#include <abi/pipes.h>
#include <debug/selftest.h>
#include <object/event_pair.h>
#include <ipc/socket.h>

#include "object_helpers.h"

SELFTEST(ipc_socket, socket_end_without_peer_cannot_be_written_to) {
    struct handle_table table;
    struct socket *near, *far;
    zx_handle_t value;
    EXPECT_OK(handle_table_init(&table));
    EXPECT_OK(socket_create(false, &near, &far));
    struct handle near_handle = handle_to(&near->object, SOCKET_DEFAULT_RIGHTS);
    EXPECT_OK(handle_table_add(&table, handle_to(&far->object, SOCKET_DEFAULT_RIGHTS), &value));
    EXPECT_OK(socket_write(value, 0, 0, 0, 0, &table));
    object_reference(&near->object); /* like a call that looked the handle up just before */
    handle_release(near_handle);
    EXPECT_EQUAL(object_signals(&near->object), 0);
    EXPECT(near->peer == NULL && far->peer == NULL);
    EXPECT_EQUAL(object_signals(&far->object), ZX_SOCKET_PEER_CLOSED);
    EXPECT_EQUAL(socket_write(value, 0, 0, 0, 0, &table), ZX_ERR_PEER_CLOSED);
    EXPECT_EQUAL(socket_write(value, ZX_SOCKET_HALF_CLOSE, 0, 0, 0, &table), ZX_ERR_PEER_CLOSED);
    object_release(&near->object);
    handle_table_close_all(&table);
    handle_table_destroy(&table);
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
