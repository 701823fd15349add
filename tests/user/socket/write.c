/* socket_write: every error, and what a stream takes. */
#include "fixture.h"

/* --- errors ----------------------------------------------------------------------------------- */

/* The writes to `pair` failed: they left nothing, and did not half-close. */
static void expect_untouched(const struct pair* pair, size_t actual) {
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_EQUAL(object_signals(pair->near), ZX_SOCKET_WRITABLE);
    CHECK(expect_empty(pair->far));
}

TEST_BOTH(socket_write, unknown_options_are_invalid_args) {
    static const uint32_t unknown[] = {2, 3, 4, 0x80000000, UINT32_MAX};
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, STREAM));
    for (size_t i = 0; i < countof(unknown); i++) {
        EXPECT_STATUS(generation->write(pair.near, unknown[i], "x", 1, &actual),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->write(pair.near, unknown[i], NULL, 0, &actual),
                      ZX_ERR_INVALID_ARGS);
    }
    CHECK(expect_untouched(&pair, actual));
    pair_close(&pair);
}

TEST_BOTH(socket_write, half_close_with_bytes_is_invalid_args) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, STREAM));
    EXPECT_STATUS(generation->write(pair.near, HALF_CLOSE, "x", 1, &actual), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->write(pair.near, HALF_CLOSE, "x", SIZE_MAX, &actual),
                  ZX_ERR_INVALID_ARGS);
    CHECK(expect_untouched(&pair, actual));
    pair_close(&pair);
}

TEST_BOTH(socket_write, invalid_handle_is_bad_handle) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, INT32_MIN, INT32_MAX, stale_handle()};
    for (size_t i = 0; i < countof(bad); i++) {
        size_t actual = UNTOUCHED;
        EXPECT_STATUS(generation->write(bad[i], 0, "x", 1, &actual), ZX_ERR_BAD_HANDLE);
        EXPECT_STATUS(generation->write(bad[i], HALF_CLOSE, NULL, 0, &actual), ZX_ERR_BAD_HANDLE);
        EXPECT_EQUAL(actual, UNTOUCHED);
    }
}

TEST_BOTH(socket_write, other_object_is_wrong_type) {
    zx_handle_t near, far;
    size_t actual = UNTOUCHED;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_STATUS(generation->write(near, 0, "x", 1, &actual), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(generation->write(near, HALF_CLOSE, NULL, 0, &actual), ZX_ERR_WRONG_TYPE);
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}

TEST_BOTH(socket_write, missing_write_right_is_access_denied) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, STREAM));
    zx_handle_t no_write = duplicate_without(pair.near, ZX_RIGHT_WRITE);
    EXPECT_STATUS(generation->write(no_write, 0, "x", 1, &actual), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(generation->write(no_write, HALF_CLOSE, NULL, 0, &actual), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(actual, UNTOUCHED);
    CHECK(expect_empty(pair.far));
    CHECK(put(pair.near, "x", 1)); /* not half-closed */
    EXPECT_OK(zx_handle_close(no_write));
    pair_close(&pair);
}

TEST_BOTH(socket_write, no_right_but_write_is_needed) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, STREAM));
    zx_handle_t only_write = duplicate_without(pair.near, (zx_rights_t)~ZX_RIGHT_WRITE);
    EXPECT_OK(generation->write(only_write, 0, "y", 1, &actual));
    EXPECT_EQUAL(actual, 1);
    CHECK(expect_read(pair.far, "y", 1));
    EXPECT_OK(zx_handle_close(only_write));
    pair_close(&pair);
}

TEST_BOTH(socket_write, closed_peer_is_peer_closed) {
    static const uint32_t kinds[] = {STREAM, DATAGRAM};
    for (size_t i = 0; i < countof(kinds); i++) {
        struct pair pair;
        size_t actual = UNTOUCHED;
        CHECK(pair_create(&pair, generation, kinds[i]));
        EXPECT_OK(zx_handle_close(pair.far));
        EXPECT_STATUS(generation->write(pair.near, 0, "x", 1, &actual), ZX_ERR_PEER_CLOSED);
        EXPECT_STATUS(generation->write(pair.near, 0, NULL, 0, &actual), ZX_ERR_PEER_CLOSED);
        EXPECT_STATUS(generation->write(pair.near, 0, pattern(0, CAPACITY), CAPACITY, &actual),
                      ZX_ERR_PEER_CLOSED);
        EXPECT_STATUS(generation->write(pair.near, HALF_CLOSE, NULL, 0, &actual),
                      ZX_ERR_PEER_CLOSED);
        EXPECT_EQUAL(actual, UNTOUCHED);
        EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_PEER_CLOSED);
        EXPECT_OK(zx_handle_close(pair.near));
    }
}

/* --- what a stream takes ---------------------------------------------------------------------- */

TEST_BOTH(socket_write, all_sizes_arrive_as_they_were) {
    static const size_t sizes[] = {1,    2,    7,    8,     9,     64,           4095,    4096,
                                   4097, 8192, 8193, 65535, 65536, CAPACITY - 1, CAPACITY};
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    for (size_t i = 0; i < countof(sizes); i++) {
        size_t size = sizes[i], actual = UNTOUCHED;
        const char* bytes = pattern((unsigned)i, size);
        EXPECT_OK(generation->write(pair.near, 0, bytes, size, &actual));
        EXPECT_EQUAL(actual, size);
        EXPECT_EQUAL(waiting(pair.far), size);
        CHECK(expect_empty(pair.near));
        CHECK(expect_read(pair.far, bytes, size));
        CHECK(expect_empty(pair.far));
    }
    pair_close(&pair);
}

TEST_BOTH(socket_write, size_0_takes_nothing_and_succeeds) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, STREAM));
    EXPECT_OK(generation->write(pair.near, 0, NULL, 0, &actual));
    EXPECT_EQUAL(actual, 0);
    EXPECT_OK(generation->write(pair.near, 0, BAD_POINTER, 0, NULL));
    CHECK(expect_empty(pair.far));
    pair_close(&pair);
}

TEST_BOTH(socket_write, size_0_succeeds_without_room_too) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, pattern(0, CAPACITY), CAPACITY));
    EXPECT_OK(generation->write(pair.near, 0, NULL, 0, &actual));
    EXPECT_EQUAL(actual, 0);
    EXPECT_EQUAL(waiting(pair.far), CAPACITY);
    pair_close(&pair);
}

TEST_BOTH(socket_write, actual_may_be_null) {
    static const size_t sizes[] = {1, 64, 4096, 5000, CAPACITY - 9161};
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    size_t total = 0;
    for (size_t i = 0; i < countof(sizes); i++) {
        EXPECT_OK(
            generation->write(pair.near, 0, pattern((unsigned)total, sizes[i]), sizes[i], NULL));
        total += sizes[i];
        EXPECT_EQUAL(waiting(pair.far), total);
    }
    CHECK(expect_read(pair.far, pattern(0, total), total));
    pair_close(&pair);
}

TEST_BOTH(socket_write, what_fits_is_written_and_reported) {
    static const size_t queued[] = {0, 1, 4095, 4096, 4097, CAPACITY - 4096, CAPACITY - 1};
    for (size_t i = 0; i < countof(queued); i++) {
        struct pair pair;
        size_t actual = UNTOUCHED, before = queued[i];
        CHECK(pair_create(&pair, generation, STREAM));
        if (before > 0)
            CHECK(put(pair.near, pattern(0, before), before));
        EXPECT_OK(generation->write(pair.near, 0, pattern((unsigned)before, CAPACITY + 1),
                                    CAPACITY + 1, &actual));
        EXPECT_EQUAL(actual, CAPACITY - before);
        EXPECT_EQUAL(waiting(pair.far), CAPACITY);
        EXPECT_EQUAL(object_signals(pair.near), 0);
        CHECK(expect_no_write(pair.near, ZX_ERR_SHOULD_WAIT));
        CHECK(expect_read(pair.far, pattern(0, CAPACITY), CAPACITY));
        pair_close(&pair);
    }
}

TEST_BOTH(socket_write, no_room_at_all_is_should_wait) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, pattern(0, CAPACITY), CAPACITY));
    CHECK(expect_no_write(pair.near, ZX_ERR_SHOULD_WAIT));
    EXPECT_STATUS(generation->write(pair.near, 0, pattern(0, CAPACITY), CAPACITY, &actual),
                  ZX_ERR_SHOULD_WAIT);
    EXPECT_EQUAL(actual, UNTOUCHED);
    CHECK(expect_read(pair.far, pattern(0, CAPACITY), CAPACITY));
    pair_close(&pair);
}

TEST_BOTH(socket_write, one_byte_of_room_takes_one_byte) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, pattern(0, CAPACITY), CAPACITY));
    CHECK(expect_read(pair.far, pattern(0, 1), 1));
    EXPECT_OK(generation->write(pair.near, 0, pattern((unsigned)CAPACITY, 64), 64, &actual));
    EXPECT_EQUAL(actual, 1);
    CHECK(expect_read(pair.far, pattern(1, CAPACITY), CAPACITY));
    pair_close(&pair);
}

TEST_BOTH(socket_write, each_direction_has_a_capacity_of_its_own) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, pattern(0, CAPACITY), CAPACITY));
    CHECK(put(pair.far, pattern(1, CAPACITY), CAPACITY));
    CHECK(expect_no_write(pair.near, ZX_ERR_SHOULD_WAIT));
    CHECK(expect_no_write(pair.far, ZX_ERR_SHOULD_WAIT));
    CHECK(expect_read(pair.far, pattern(0, CAPACITY), CAPACITY));
    CHECK(expect_read(pair.near, pattern(1, CAPACITY), CAPACITY));
    pair_close(&pair);
}

/* The queue is filled and drained at all offsets in its pages, never empty in between. */
TEST_BOTH(socket_write, bytes_keep_their_order_across_pages) {
    static const size_t steps[] = {1, 64, 1000, 4095, 4096, 4097, 10000};
    for (size_t i = 0; i < countof(steps); i++) {
        struct pair pair;
        size_t step = steps[i], written = 0, taken = 0;
        CHECK(pair_create(&pair, generation, STREAM));
        CHECK(put(pair.near, pattern(0, 77), 77));
        for (written = 77; taken < 20 * step + 9000; taken += step) {
            CHECK(put(pair.near, pattern((unsigned)written, step), step));
            written += step;
            CHECK(expect_read(pair.far, pattern((unsigned)taken, step), step));
            EXPECT_EQUAL(waiting(pair.far), 77);
        }
        pair_close(&pair);
    }
}
