/* READABLE, WRITABLE and PEER_CLOSED follow every change, and wake waiting threads. */
#include "fixture.h"

#include <threads.h>

#define PATIENCE ZX_SEC(30)

TEST(socket_signals, readable_while_bytes_wait) {
    struct pair pair;
    CHECK(pair_create(&pair, &zx, STREAM));
    CHECK(put(pair.near, "ab", 2));
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE);
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_READABLE | ZX_SOCKET_WRITABLE);
    CHECK(expect_read(pair.far, "a", 1));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_READABLE | ZX_SOCKET_WRITABLE);
    CHECK(expect_read(pair.far, "b", 1));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_WRITABLE);
    pair_close(&pair);
}

TEST(socket_signals, writable_while_a_byte_fits) {
    static const uint32_t kinds[] = {STREAM, DATAGRAM};
    for (size_t i = 0; i < countof(kinds); i++) {
        struct pair pair;
        CHECK(pair_create(&pair, &zx, kinds[i]));
        CHECK(put(pair.near, pattern(0, CAPACITY - 1), CAPACITY - 1));
        EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE);
        CHECK(put(pair.near, "x", 1));
        EXPECT_EQUAL(object_signals(pair.near), 0);
        EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_READABLE | ZX_SOCKET_WRITABLE);
        char byte;
        size_t actual;
        EXPECT_OK(zx_socket_read(pair.far, 0, &byte, 1, &actual));
        EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE);
        pair_close(&pair);
    }
}

/* Looking does not count as reading. */
TEST(socket_signals, a_read_without_room_makes_no_room) {
    struct pair pair;
    size_t actual;
    CHECK(pair_create(&pair, &zx, STREAM));
    CHECK(put(pair.near, pattern(0, CAPACITY), CAPACITY));
    EXPECT_OK(zx_socket_read(pair.far, 0, scratch(), 0, &actual));
    EXPECT_EQUAL(waiting(pair.far), CAPACITY);
    EXPECT_EQUAL(object_signals(pair.near), 0);
    CHECK(expect_no_write(pair.near, ZX_ERR_SHOULD_WAIT));
    pair_close(&pair);
}

TEST(socket_signals, closing_an_end_shows_at_the_other) {
    struct pair pair;
    CHECK(pair_create(&pair, &zx, STREAM));
    zx_handle_t second = duplicate(pair.near);
    CHECK(put(pair.far, "unread", 6));
    EXPECT_OK(zx_handle_close(pair.near));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_WRITABLE);
    EXPECT_OK(zx_handle_close(second));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(pair.far));
}

TEST(socket_signals, user_signals_are_the_programs_and_the_others_the_kernels) {
    struct pair pair;
    CHECK(pair_create(&pair, &zx, STREAM));
    EXPECT_OK(zx_object_signal(pair.near, 0, ZX_USER_SIGNAL_0));
    EXPECT_OK(zx_object_signal_peer(pair.near, 0, ZX_USER_SIGNAL_7));
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE | ZX_USER_SIGNAL_0);
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_WRITABLE | ZX_USER_SIGNAL_7);
    EXPECT_STATUS(zx_object_signal(pair.near, ZX_SOCKET_WRITABLE, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_object_signal_peer(pair.near, 0, ZX_SOCKET_READABLE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_object_signal(pair.near, 0, ZX_OBJECT_SIGNALED), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE | ZX_USER_SIGNAL_0);
    EXPECT_OK(zx_handle_close(pair.far));
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_PEER_CLOSED | ZX_USER_SIGNAL_0);
    EXPECT_STATUS(zx_object_signal_peer(pair.near, 0, ZX_USER_SIGNAL_1), ZX_ERR_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(pair.near));
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* What another thread does to the pair, shortly after the wait began. */
struct deed {
    struct pair pair;
    void (*action)(struct pair* pair);
};

static int do_deed(void* argument) {
    struct deed* deed = argument;
    sleep_for(ZX_MSEC(2));
    deed->action(&deed->pair);
    return 0;
}

static void write_one(struct pair* pair) {
    zx_socket_write(pair->near, 0, "x", 1, NULL);
}

static void read_one(struct pair* pair) {
    char byte;
    zx_socket_read(pair->near, 0, &byte, 1, NULL);
}

static void half_close(struct pair* pair) {
    zx_socket_write(pair->near, HALF_CLOSE, NULL, 0, NULL);
}

static void close_near(struct pair* pair) {
    zx_handle_close(pair->near);
}

static void close_far(struct pair* pair) {
    zx_handle_close(pair->far);
}

/* `action` wakes a wait for `signals` at the far end. */
static void wait_row(void (*action)(struct pair*), size_t queued_at_near, zx_signals_t signals,
                     zx_status_t expected, zx_signals_t expected_signals) {
    struct deed deed = {.action = action};
    zx_signals_t observed = 0;
    thrd_t thread;
    CHECK(pair_create(&deed.pair, &zx, STREAM));
    if (queued_at_near > 0)
        CHECK(put(deed.pair.far, pattern(0, queued_at_near), queued_at_near));
    EXPECT_EQUAL(thrd_create(&thread, do_deed, &deed), thrd_success);
    zx_status_t status =
        zx_object_wait_one(deed.pair.far, signals, zx_clock_get_monotonic() + PATIENCE, &observed);
    EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
    EXPECT_STATUS(status, expected);
    EXPECT_EQUAL(observed, expected_signals);
    pair_close(&deed.pair);
}

TEST(socket_signals, a_write_wakes_the_reader) {
    CHECK(
        wait_row(write_one, 0, ZX_SOCKET_READABLE, ZX_OK, ZX_SOCKET_READABLE | ZX_SOCKET_WRITABLE));
}

TEST(socket_signals, a_read_that_makes_room_wakes_the_writer) {
    CHECK(wait_row(read_one, CAPACITY, ZX_SOCKET_WRITABLE, ZX_OK, ZX_SOCKET_WRITABLE));
}

TEST(socket_signals, a_half_close_wakes_the_reader) {
    CHECK(wait_row(half_close, 0, ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED, ZX_OK,
                   ZX_SOCKET_PEER_CLOSED | ZX_SOCKET_WRITABLE));
}

TEST(socket_signals, closing_the_peer_wakes_reader_and_writer) {
    CHECK(wait_row(close_near, 0, ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED, ZX_OK,
                   ZX_SOCKET_PEER_CLOSED));
    CHECK(wait_row(close_near, CAPACITY, ZX_SOCKET_WRITABLE | ZX_SOCKET_PEER_CLOSED, ZX_OK,
                   ZX_SOCKET_PEER_CLOSED));
}

TEST(socket_signals, closing_the_handle_cancels_the_wait) {
    struct deed deed = {.action = close_far};
    zx_signals_t observed = 0;
    thrd_t thread;
    CHECK(pair_create(&deed.pair, &zx, STREAM));
    zx_handle_t keeper = duplicate(deed.pair.far);
    EXPECT_EQUAL(thrd_create(&thread, do_deed, &deed), thrd_success);
    zx_status_t status = zx_object_wait_one(deed.pair.far, ZX_SOCKET_READABLE,
                                            zx_clock_get_monotonic() + PATIENCE, &observed);
    EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
    EXPECT_STATUS(status, ZX_ERR_CANCELED);
    EXPECT_EQUAL(observed, ZX_SOCKET_WRITABLE | ZX_SIGNAL_HANDLE_CLOSED);
    EXPECT_EQUAL(object_signals(deed.pair.near), ZX_SOCKET_WRITABLE);
    EXPECT_OK(zx_handle_close(keeper));
    EXPECT_OK(zx_handle_close(deed.pair.near));
}

/* Failed calls wake nobody, and a wait for what does not come keeps its deadline. */
TEST(socket_signals, nothing_wakes_at_the_deadline) {
    struct pair pair;
    zx_signals_t observed = 0;
    CHECK(pair_create(&pair, &zx, STREAM));
    zx_time_t deadline = zx_clock_get_monotonic() + ZX_MSEC(3);
    EXPECT_STATUS(zx_object_wait_one(pair.far, ZX_SOCKET_READABLE, deadline, &observed),
                  ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT_EQUAL(observed, ZX_SOCKET_WRITABLE);
    pair_close(&pair);
}
