/* Sockets between two processes, one of which may die. */
#include "fixture.h"

#include <helper.h>

#define PATIENCE (zx_clock_get_monotonic() + ZX_SEC(60))
#define CHUNK 3000u

/* A helper with one end of a fresh socket; we have the other. */
struct companion {
    struct helper helper;
    zx_handle_t socket;
};

static void companion_start(struct companion* companion, const char* role, uint32_t options) {
    zx_handle_t its_end;
    CHECK(helper_start(&companion->helper, role));
    EXPECT_OK(zx_socket_create(options, &companion->socket, &its_end));
    EXPECT_OK(zx_channel_write(companion->helper.channel, 0, NULL, 0, &its_end, 1));
}

/* Our end stays open until the helper has come to its end. */
static void companion_finish(struct companion* companion, int64_t expected) {
    CHECK(helper_finish(&companion->helper, expected));
    EXPECT_OK(zx_handle_close(companion->socket));
}

static zx_handle_t receive_socket(zx_handle_t channel) {
    zx_handle_t socket = ZX_HANDLE_INVALID;
    uint32_t count = 0;
    channel_receive(channel, NULL, 0, NULL, &socket, 1, &count);
    return socket;
}

/* Writes all of it, waiting for room; false: the other end went. */
static bool send_all(zx_handle_t socket, const char* bytes, size_t size) {
    size_t actual;
    for (size_t done = 0; done < size; done += actual) {
        zx_status_t status = zx_socket_write(socket, 0, bytes + done, size - done, &actual);
        if (status == ZX_OK)
            continue;
        actual = 0;
        if (status != ZX_ERR_SHOULD_WAIT ||
            zx_object_wait_one(socket, ZX_SOCKET_WRITABLE | ZX_SOCKET_PEER_CLOSED, PATIENCE,
                               NULL) != ZX_OK)
            return false;
    }
    return true;
}

/* Reads some bytes, waiting for them; 0: no more will come. */
static size_t receive_some(zx_handle_t socket, char* bytes, size_t size) {
    size_t actual;
    for (;;) {
        zx_status_t status = zx_socket_read(socket, 0, bytes, size, &actual);
        if (status == ZX_OK)
            return actual;
        if (status != ZX_ERR_SHOULD_WAIT ||
            zx_object_wait_one(socket, ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED, PATIENCE,
                               NULL) != ZX_OK)
            return 0;
    }
}

/* --- bytes there and back --------------------------------------------------------------------- */

/* Sends everything back until the other end half-closes, then does so itself. */
HELPER(echo) {
    static char bytes[CHUNK];
    zx_handle_t socket = receive_socket(channel);
    size_t size;
    while ((size = receive_some(socket, bytes, sizeof(bytes))) > 0)
        if (!send_all(socket, bytes, size))
            return 1;
    if (zx_socket_write(socket, HALF_CLOSE, NULL, 0, NULL) != ZX_OK)
        return 2;
    return zx_socket_write(socket, 0, "x", 1, NULL) == ZX_ERR_BAD_STATE ? 0 : 3;
}

TEST(socket_processes, a_stream_comes_back_and_ends_by_half_close) {
    struct companion companion;
    CHECK(companion_start(&companion, "echo", STREAM));
    EXPECT(send_all(companion.socket, pattern(5, CAPACITY), CAPACITY));
    EXPECT_OK(zx_socket_write(companion.socket, HALF_CLOSE, NULL, 0, NULL));
    size_t total = 0, size;
    while ((size = receive_some(companion.socket, scratch(), CAPACITY)) > 0) {
        EXPECT_BYTES(scratch(), pattern(5, CAPACITY) + total, size);
        total += size;
    }
    EXPECT_EQUAL(total, CAPACITY);
    EXPECT(object_signals(companion.socket) & ZX_SOCKET_PEER_CLOSED);
    CHECK(companion_finish(&companion, 0));
}

TEST(socket_processes, datagrams_come_back_whole) {
    static const size_t sizes[] = {1, 64, 1000, CHUNK, 17};
    struct companion companion;
    CHECK(companion_start(&companion, "echo", DATAGRAM));
    for (unsigned i = 0; i < countof(sizes); i++)
        CHECK(put(companion.socket, pattern(i, sizes[i]), sizes[i]));
    for (unsigned i = 0; i < countof(sizes); i++) {
        EXPECT_EQUAL(receive_some(companion.socket, scratch(), CAPACITY), sizes[i]);
        EXPECT_BYTES(scratch(), pattern(i, sizes[i]), sizes[i]);
    }
    EXPECT_OK(zx_socket_write(companion.socket, HALF_CLOSE, NULL, 0, NULL));
    EXPECT_EQUAL(receive_some(companion.socket, scratch(), CAPACITY), 0);
    CHECK(companion_finish(&companion, 0));
}

/* --- death ------------------------------------------------------------------------------------ */

HELPER(writes_and_dies) {
    zx_handle_t socket = receive_socket(channel);
    if (!send_all(socket, pattern(9, 100000), 100000))
        return 1;
    return 7; /* the end goes with the process */
}

TEST(socket_processes, what_a_dead_process_wrote_stays_readable) {
    struct companion companion;
    int64_t code = 0;
    CHECK(companion_start(&companion, "writes_and_dies", STREAM));
    EXPECT_OK(helper_wait(&companion.helper, &code));
    EXPECT_EQUAL(code, 7);
    EXPECT(wait_for(companion.socket, ZX_SOCKET_PEER_CLOSED, ZX_SEC(10)));
    EXPECT_EQUAL(object_signals(companion.socket), ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED);
    CHECK(expect_no_write(companion.socket, ZX_ERR_PEER_CLOSED));
    CHECK(expect_read(companion.socket, pattern(9, 100000), 100000));
    CHECK(expect_no_read(companion.socket, ZX_ERR_PEER_CLOSED));
    CHECK(companion_finish(&companion, 7));
}

/* Takes its end, reports that, and never ends. */
HELPER(sleeps) {
    zx_handle_t socket = receive_socket(channel);
    zx_socket_write(socket, 0, "r", 1, NULL);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

/* Waits in a read loop for what never comes. */
HELPER(waits) {
    char byte;
    zx_handle_t socket = receive_socket(channel);
    zx_socket_write(socket, 0, "r", 1, NULL);
    return (int)receive_some(socket, &byte, 1);
}

static void kill_with_bytes_queued(const char* role, uint32_t options, size_t queued) {
    struct companion companion;
    CHECK(companion_start(&companion, role, options));
    EXPECT_EQUAL(receive_some(companion.socket, scratch(), 1), 1);
    if (queued > 0)
        CHECK(put(companion.socket, pattern(0, queued), queued));
    else
        sleep_for(ZX_MSEC(3));
    CHECK(helper_kill(&companion.helper));
    EXPECT(wait_for(companion.socket, ZX_SOCKET_PEER_CLOSED, ZX_SEC(10)));
    EXPECT_EQUAL(object_signals(companion.socket), ZX_SOCKET_PEER_CLOSED);
    CHECK(expect_no_write(companion.socket, ZX_ERR_PEER_CLOSED));
    CHECK(expect_no_read(companion.socket, ZX_ERR_PEER_CLOSED));
    EXPECT_OK(zx_handle_close(companion.socket));
    helper_close(&companion.helper);
}

#define DEATH(name, role, options, queued)                                   \
    TEST(socket_processes, name) {                                           \
        CHECK(kill_with_bytes_queued(role, options, queued)); /* warms up */ \
        zx_info_kernel_memory_t before = kernel_memory();                    \
        CHECK(kill_with_bytes_queued(role, options, queued));                \
        CHECK(expect_no_leak(&before, 16));                                  \
    }

DEATH(a_killed_process_takes_its_unread_bytes_along, "sleeps", STREAM, CAPACITY)
DEATH(a_killed_process_takes_its_unread_datagrams_along, "sleeps", DATAGRAM, 10000)
DEATH(a_process_killed_while_it_waits_is_gone, "waits", STREAM, 0)

/* An end that is sent away in a message works on, and dies with the message. */
TEST(socket_processes, an_end_on_its_way_keeps_its_bytes) {
    struct pair pair;
    zx_handle_t ends[2], arrived;
    uint32_t count;
    CHECK(pair_create(&pair, &zx, STREAM));
    EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
    CHECK(put(pair.near, "before", 6));
    EXPECT_OK(zx_channel_write(ends[0], 0, NULL, 0, &pair.far, 1));
    CHECK(put(pair.near, "after", 5));
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE);
    EXPECT_OK(zx_channel_read(ends[1], 0, NULL, &arrived, 0, 1, NULL, &count));
    CHECK(expect_read(arrived, "beforeafter", 11));
    EXPECT_OK(zx_channel_write(ends[0], 0, NULL, 0, &arrived, 1));
    EXPECT_OK(zx_handle_close(ends[1]));
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(ends[0]));
    EXPECT_OK(zx_handle_close(pair.near));
}
