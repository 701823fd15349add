/* socket_read: every error, and what a stream gives. */
#include "fixture.h"

/* A pair at whose far end "hello" waits. */
static void create_with_hello(struct pair* pair, const struct generation* generation) {
    CHECK(pair_create(pair, generation, STREAM));
    CHECK(put(pair->near, "hello", 5));
}

static void expect_hello(const struct pair* pair) {
    EXPECT_EQUAL(object_signals(pair->far), ZX_SOCKET_READABLE | ZX_SOCKET_WRITABLE);
    CHECK(expect_read(pair->far, "hello", 5));
    CHECK(expect_empty(pair->far));
}

/* --- errors ----------------------------------------------------------------------------------- */

TEST_BOTH(socket_read, unknown_options_are_invalid_args) {
    static const uint32_t unknown[] = {1, 2, 3, 0x80000000, UINT32_MAX};
    struct pair pair;
    char byte = 'u';
    size_t actual = UNTOUCHED;
    CHECK(create_with_hello(&pair, generation));
    for (size_t i = 0; i < countof(unknown); i++) {
        EXPECT_STATUS(generation->read(pair.far, unknown[i], &byte, 1, &actual),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->read(pair.far, unknown[i], NULL, 0, &actual),
                      ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQUAL(byte, 'u');
    EXPECT_EQUAL(actual, UNTOUCHED);
    CHECK(expect_hello(&pair));
    pair_close(&pair);
}

/* A read of a byte, and the question how many bytes wait, fail so. */
static void expect_refused(const struct generation* generation, zx_handle_t handle,
                           zx_status_t expected) {
    char byte = 'u';
    size_t actual = UNTOUCHED;
    EXPECT_STATUS(generation->read(handle, 0, &byte, 1, &actual), expected);
    EXPECT_STATUS(generation->read(handle, 0, NULL, 0, &actual), expected);
    EXPECT_EQUAL(byte, 'u');
    EXPECT_EQUAL(actual, UNTOUCHED);
}

TEST_BOTH(socket_read, invalid_handle_is_bad_handle) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, INT32_MIN, INT32_MAX, stale_handle()};
    for (size_t i = 0; i < countof(bad); i++)
        CHECK(expect_refused(generation, bad[i], ZX_ERR_BAD_HANDLE));
}

TEST_BOTH(socket_read, other_object_is_wrong_type) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    CHECK(expect_refused(generation, event, ZX_ERR_WRONG_TYPE));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(socket_read, missing_read_right_is_access_denied_and_nothing_is_taken) {
    struct pair pair;
    CHECK(create_with_hello(&pair, generation));
    zx_handle_t no_read = duplicate_without(pair.far, ZX_RIGHT_READ);
    CHECK(expect_refused(generation, no_read, ZX_ERR_ACCESS_DENIED));
    CHECK(expect_hello(&pair));
    EXPECT_OK(zx_handle_close(no_read));
    pair_close(&pair);
}

TEST_BOTH(socket_read, nothing_waiting_is_should_wait) {
    static const uint32_t kinds[] = {STREAM, DATAGRAM};
    for (size_t i = 0; i < countof(kinds); i++) {
        struct pair pair;
        CHECK(pair_create(&pair, generation, kinds[i]));
        CHECK(expect_no_read(pair.far, ZX_ERR_SHOULD_WAIT));
        pair_close(&pair);
    }
}

TEST_BOTH(socket_read, nothing_waiting_and_the_peer_gone_is_peer_closed) {
    static const uint32_t kinds[] = {STREAM, DATAGRAM};
    for (size_t i = 0; i < countof(kinds); i++) {
        struct pair pair;
        CHECK(pair_create(&pair, generation, kinds[i]));
        EXPECT_OK(zx_handle_close(pair.near));
        CHECK(expect_no_read(pair.far, ZX_ERR_PEER_CLOSED));
        EXPECT_OK(zx_handle_close(pair.far));
    }
}

/* --- what a stream gives ---------------------------------------------------------------------- */

TEST_BOTH(socket_read, takes_what_is_there_up_to_the_room) {
    struct pair pair;
    char* buffer = scratch();
    size_t actual = UNTOUCHED;
    CHECK(create_with_hello(&pair, generation));
    CHECK(put(pair.near, " world", 6));
    EXPECT_OK(generation->read(pair.far, 0, buffer, 2, &actual));
    EXPECT_EQUAL(actual, 2);
    EXPECT_BYTES(buffer, "he", 2);
    EXPECT_EQUAL(waiting(pair.far), 9);
    /* Writes are no boundaries, and more room than bytes is no fault. */
    EXPECT_OK(generation->read(pair.far, 0, buffer, CAPACITY, &actual));
    EXPECT_EQUAL(actual, 9);
    EXPECT_BYTES(buffer, "llo world", 9);
    CHECK(expect_empty(pair.far));
    pair_close(&pair);
}

TEST_BOTH(socket_read, all_sizes_come_as_they_were_written) {
    static const size_t steps[] = {1, 63, 4095, 4096, 4097, 65536, CAPACITY - 1, CAPACITY};
    for (size_t i = 0; i < countof(steps); i++) {
        struct pair pair;
        size_t total = steps[i] == 1 ? 9000 : CAPACITY, actual = 0;
        CHECK(pair_create(&pair, generation, STREAM));
        CHECK(put(pair.near, pattern(3, total), total));
        for (size_t done = 0; done < total; done += actual) {
            size_t wanted = steps[i] < total - done ? steps[i] : total - done;
            EXPECT_OK(generation->read(pair.far, 0, scratch(), steps[i], &actual));
            EXPECT_EQUAL(actual, wanted);
            EXPECT_BYTES(scratch(), pattern(3, total) + done, wanted);
        }
        CHECK(expect_empty(pair.far));
        pair_close(&pair);
    }
}

TEST_BOTH(socket_read, null_and_0_ask_how_many_bytes_wait) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, STREAM));
    EXPECT_OK(generation->read(pair.far, 0, NULL, 0, &actual));
    EXPECT_EQUAL(actual, 0);
    CHECK(put(pair.near, pattern(0, 100000), 100000));
    EXPECT_OK(generation->read(pair.far, 0, NULL, 0, &actual));
    EXPECT_EQUAL(actual, 100000);
    EXPECT_OK(generation->read(pair.far, 0, NULL, 0, NULL));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_READABLE | ZX_SOCKET_WRITABLE);
    CHECK(expect_read(pair.far, pattern(0, 100000), 100000));
    pair_close(&pair);
}

TEST_BOTH(socket_read, null_and_0_succeed_after_the_peer_has_gone) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, STREAM));
    EXPECT_OK(zx_handle_close(pair.near));
    EXPECT_OK(generation->read(pair.far, 0, NULL, 0, &actual));
    EXPECT_EQUAL(actual, 0);
    EXPECT_OK(zx_handle_close(pair.far));
}

TEST_BOTH(socket_read, no_room_takes_nothing) {
    struct pair pair;
    char byte = 'u';
    size_t actual = UNTOUCHED;
    CHECK(create_with_hello(&pair, generation));
    EXPECT_OK(generation->read(pair.far, 0, &byte, 0, &actual));
    EXPECT_EQUAL(actual, 0);
    EXPECT_STATUS(generation->read(pair.far, 0, NULL, 1, &actual), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(actual, 0);
    CHECK(expect_hello(&pair));
    EXPECT_STATUS(generation->read(pair.far, 0, &byte, 0, &actual), ZX_ERR_SHOULD_WAIT);
    EXPECT_EQUAL(byte, 'u');
    pair_close(&pair);
}

TEST_BOTH(socket_read, actual_may_be_null) {
    struct pair pair;
    CHECK(create_with_hello(&pair, generation));
    EXPECT_OK(generation->read(pair.far, 0, scratch(), 5, NULL));
    EXPECT_BYTES(scratch(), "hello", 5);
    CHECK(put(pair.near, pattern(1, 9000), 9000));
    EXPECT_OK(generation->read(pair.far, 0, scratch(), 9000, NULL));
    EXPECT_BYTES(scratch(), pattern(1, 9000), 9000);
    CHECK(expect_empty(pair.far));
    pair_close(&pair);
}

TEST_BOTH(socket_read, what_was_queued_stays_readable_after_the_peer_has_gone) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, pattern(0, CAPACITY), CAPACITY));
    EXPECT_OK(zx_handle_close(pair.near));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED);
    EXPECT_EQUAL(waiting(pair.far), CAPACITY);
    CHECK(expect_read(pair.far, pattern(0, 5000), 5000));
    CHECK(expect_read(pair.far, pattern(0, CAPACITY) + 5000, CAPACITY - 5000));
    EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_PEER_CLOSED);
    CHECK(expect_no_read(pair.far, ZX_ERR_PEER_CLOSED));
    EXPECT_OK(zx_handle_close(pair.far));
}
