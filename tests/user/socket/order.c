/* Which error a call with several faults returns: options, the handle (is it one, its type, its
 * rights), pointers, the state. */
#include "fixture.h"

/* --- write ------------------------------------------------------------------------------------ */

TEST_BOTH(socket_write, options_come_before_the_handle) {
    EXPECT_STATUS(generation->write(-1, 2, BAD_POINTER, 1, BAD_POINTER), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->write(-1, HALF_CLOSE, NULL, 1, NULL), ZX_ERR_INVALID_ARGS);
}

TEST_BOTH(socket_write, the_handle_comes_before_pointers) {
    EXPECT_STATUS(generation->write(-1, 0, BAD_POINTER, SIZE_MAX, BAD_POINTER), ZX_ERR_BAD_HANDLE);
}

TEST_BOTH(socket_write, the_type_comes_before_the_rights) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t poor = duplicate_without(event, ZX_RIGHT_WRITE);
    EXPECT_STATUS(generation->write(poor, 0, BAD_POINTER, 1, BAD_POINTER), ZX_ERR_WRONG_TYPE);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(socket_write, the_rights_come_before_pointers) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    zx_handle_t no_write = duplicate_without(pair.near, ZX_RIGHT_WRITE);
    EXPECT_STATUS(generation->write(no_write, 0, BAD_POINTER, 1, BAD_POINTER),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(generation->write(no_write, HALF_CLOSE, NULL, 0, BAD_POINTER),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_handle_close(no_write));
    pair_close(&pair);
}

/* Bad pointers are INVALID_ARGS in a state in which good ones get `expected`. */
static void expect_pointers_before(const struct generation* generation, const struct pair* pair,
                                   zx_status_t expected) {
    EXPECT_STATUS(generation->write(pair->near, 0, BAD_POINTER, 1, NULL), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->write(pair->near, 0, "x", 1, BAD_POINTER), ZX_ERR_INVALID_ARGS);
    CHECK(expect_no_write(pair->near, expected));
}

TEST_BOTH(socket_write, pointers_come_before_a_full_queue) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, pattern(0, CAPACITY), CAPACITY));
    CHECK(expect_pointers_before(generation, &pair, ZX_ERR_SHOULD_WAIT));
    pair_close(&pair);
}

TEST_BOTH(socket_write, pointers_come_before_the_half_close) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    EXPECT_OK(generation->write(pair.near, HALF_CLOSE, NULL, 0, NULL));
    EXPECT_STATUS(generation->write(pair.near, 0, NULL, 0, BAD_POINTER), ZX_ERR_INVALID_ARGS);
    CHECK(expect_pointers_before(generation, &pair, ZX_ERR_BAD_STATE));
    pair_close(&pair);
}

TEST_BOTH(socket_write, pointers_come_before_the_closed_peer) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    EXPECT_OK(zx_handle_close(pair.far));
    CHECK(expect_pointers_before(generation, &pair, ZX_ERR_PEER_CLOSED));
    EXPECT_OK(zx_handle_close(pair.near));
}

/* The queue is full as well as half-closed, then the peer is closed, too. */
TEST_BOTH(socket_write, the_closed_peer_comes_before_the_half_close_and_that_before_a_full_queue) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, pattern(0, CAPACITY), CAPACITY));
    EXPECT_OK(generation->write(pair.near, HALF_CLOSE, NULL, 0, NULL));
    CHECK(expect_no_write(pair.near, ZX_ERR_BAD_STATE));
    EXPECT_OK(zx_handle_close(pair.far));
    CHECK(expect_no_write(pair.near, ZX_ERR_PEER_CLOSED));
    EXPECT_OK(zx_handle_close(pair.near));
}

/* --- read ------------------------------------------------------------------------------------- */

TEST_BOTH(socket_read, options_come_before_the_handle) {
    EXPECT_STATUS(generation->read(-1, 1, BAD_POINTER, 1, BAD_POINTER), ZX_ERR_INVALID_ARGS);
}

TEST_BOTH(socket_read, the_handle_comes_before_pointers) {
    EXPECT_STATUS(generation->read(-1, 0, BAD_POINTER, 1, BAD_POINTER), ZX_ERR_BAD_HANDLE);
}

TEST_BOTH(socket_read, the_type_comes_before_the_rights) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t poor = duplicate_without(event, ZX_RIGHT_READ);
    EXPECT_STATUS(generation->read(poor, 0, BAD_POINTER, 1, BAD_POINTER), ZX_ERR_WRONG_TYPE);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(socket_read, the_rights_come_before_pointers) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    zx_handle_t no_read = duplicate_without(pair.far, ZX_RIGHT_READ);
    EXPECT_STATUS(generation->read(no_read, 0, BAD_POINTER, 1, BAD_POINTER), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_handle_close(no_read));
    pair_close(&pair);
}

static void expect_bad_places_refused(const struct generation* generation, zx_handle_t end) {
    char byte;
    EXPECT_STATUS(generation->read(end, 0, BAD_POINTER, 1, NULL), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->read(end, 0, &byte, 1, BAD_POINTER), ZX_ERR_INVALID_ARGS);
}

TEST_BOTH(socket_read, pointers_come_before_an_empty_queue) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(expect_bad_places_refused(generation, pair.far));
    CHECK(expect_no_read(pair.far, ZX_ERR_SHOULD_WAIT));
    pair_close(&pair);
}

TEST_BOTH(socket_read, pointers_come_before_the_closed_peer) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    EXPECT_OK(zx_handle_close(pair.near));
    CHECK(expect_bad_places_refused(generation, pair.far));
    CHECK(expect_no_read(pair.far, ZX_ERR_PEER_CLOSED));
    EXPECT_OK(zx_handle_close(pair.far));
}
