/* MX_SOCKET_HALF_CLOSE: one direction ends, like POSIX shutdown(SHUT_WR). */
#include "fixture.h"

static void half_close(const struct generation* generation, zx_handle_t end) {
    size_t actual = UNTOUCHED;
    EXPECT_OK(generation->write(end, HALF_CLOSE, NULL, 0, &actual));
    EXPECT_EQUAL(actual, 0);
}

TEST_BOTH(socket_write, after_half_close_own_writes_are_bad_state) {
    static const uint32_t kinds[] = {STREAM, DATAGRAM};
    for (size_t i = 0; i < countof(kinds); i++) {
        struct pair pair;
        size_t actual = UNTOUCHED;
        CHECK(pair_create(&pair, generation, kinds[i]));
        CHECK(half_close(generation, pair.near));
        CHECK(expect_no_write(pair.near, ZX_ERR_BAD_STATE));
        EXPECT_STATUS(generation->write(pair.near, 0, NULL, 0, &actual), ZX_ERR_BAD_STATE);
        EXPECT_STATUS(generation->write(pair.near, 0, pattern(0, CAPACITY), CAPACITY, &actual),
                      ZX_ERR_BAD_STATE);
        EXPECT_EQUAL(actual, UNTOUCHED);
        EXPECT_EQUAL(waiting(pair.far), 0);
        pair_close(&pair);
    }
}

TEST_BOTH(socket_write, half_close_takes_writable_away) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(half_close(generation, pair.near));
    EXPECT_EQUAL(object_signals(pair.near), 0);
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_WRITABLE | ZX_SOCKET_PEER_CLOSED);
    pair_close(&pair);
}

TEST_BOTH(socket_read, after_half_close_the_peer_drains_and_then_sees_peer_closed) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, pattern(0, 6000), 6000));
    CHECK(half_close(generation, pair.near));
    /* Not yet closed for the reader. */
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_READABLE | ZX_SOCKET_WRITABLE);
    CHECK(expect_read(pair.far, pattern(0, 5999), 5999));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_READABLE | ZX_SOCKET_WRITABLE);
    CHECK(expect_read(pair.far, pattern(5999, 1), 1));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_PEER_CLOSED | ZX_SOCKET_WRITABLE);
    CHECK(expect_no_read(pair.far, ZX_ERR_PEER_CLOSED));
    EXPECT_EQUAL(waiting(pair.far), 0);
    pair_close(&pair);
}

TEST_BOTH(socket_read, after_half_close_with_nothing_queued_the_peer_sees_it_at_once) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, DATAGRAM));
    CHECK(half_close(generation, pair.near));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_PEER_CLOSED | ZX_SOCKET_WRITABLE);
    CHECK(expect_no_read(pair.far, ZX_ERR_PEER_CLOSED));
    pair_close(&pair);
}

TEST_BOTH(socket_write, after_half_close_the_other_direction_goes_on) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(half_close(generation, pair.near));
    for (unsigned i = 0; i < 5; i++) {
        CHECK(put(pair.far, pattern(i, CAPACITY), CAPACITY));
        EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_READABLE);
        EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_PEER_CLOSED);
        CHECK(expect_read(pair.near, pattern(i, CAPACITY), CAPACITY));
        EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_PEER_CLOSED | ZX_SOCKET_WRITABLE);
        EXPECT_EQUAL(object_signals(pair.near), 0);
    }
    CHECK(expect_no_read(pair.near, ZX_ERR_SHOULD_WAIT));
    pair_close(&pair);
}

TEST_BOTH(socket_write, a_second_half_close_is_ok) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, "x", 1));
    CHECK(half_close(generation, pair.near));
    CHECK(half_close(generation, pair.near));
    zx_handle_t copy = duplicate(pair.near);
    CHECK(half_close(generation, copy));
    EXPECT_OK(generation->write(copy, HALF_CLOSE, NULL, 0, NULL));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_READABLE | ZX_SOCKET_WRITABLE);
    CHECK(expect_read(pair.far, "x", 1));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_PEER_CLOSED | ZX_SOCKET_WRITABLE);
    CHECK(half_close(generation, pair.near));
    EXPECT_OK(zx_handle_close(copy));
    pair_close(&pair);
}

/* It is done already; whereas a write finds the peer closed first. */
TEST_BOTH(socket_write, a_second_half_close_is_ok_after_the_peer_has_gone) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(half_close(generation, pair.near));
    EXPECT_OK(zx_handle_close(pair.far));
    CHECK(half_close(generation, pair.near));
    CHECK(expect_no_write(pair.near, ZX_ERR_PEER_CLOSED));
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(pair.near));
}

TEST_BOTH(socket_write, both_ends_can_half_close) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, "to far", 6));
    CHECK(put(pair.far, "to near", 7));
    CHECK(half_close(generation, pair.near));
    CHECK(half_close(generation, pair.far));
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_READABLE);
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_READABLE);
    CHECK(expect_read(pair.near, "to near", 7));
    CHECK(expect_read(pair.far, "to far", 6));
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_PEER_CLOSED);
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_PEER_CLOSED);
    CHECK(expect_no_write(pair.near, ZX_ERR_BAD_STATE));
    CHECK(expect_no_write(pair.far, ZX_ERR_BAD_STATE));
    pair_close(&pair);
}

/* Room that comes back does not make a half-closed end writable. */
TEST_BOTH(socket_write, a_full_end_that_half_closed_stays_unwritable) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, pattern(0, CAPACITY), CAPACITY));
    CHECK(half_close(generation, pair.near));
    CHECK(expect_read(pair.far, pattern(0, CAPACITY), CAPACITY));
    EXPECT_EQUAL(object_signals(pair.near), 0);
    CHECK(expect_no_write(pair.near, ZX_ERR_BAD_STATE));
    pair_close(&pair);
}

TEST_BOTH(socket_write, half_close_with_a_bad_actual_is_invalid_args_and_does_nothing) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        if (!bad[i])
            continue; /* not wanted */
        EXPECT_STATUS(generation->write(pair.near, HALF_CLOSE, NULL, 0, bad[i]),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE);
        EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_WRITABLE);
    }
    CHECK(put(pair.near, "x", 1));
    pair_close(&pair);
}
