/* Datagram sockets: all or nothing, one at a time. */
#include "fixture.h"

static const size_t sizes[] = {1,     2,     3,    4,    5,    63,           64,
                               4091,  4092,  4093, 4096, 4097, CAPACITY - 1, CAPACITY,
                               65536, 65537, 8188, 8184};

TEST_BOTH(socket_write, datagrams_of_all_sizes_arrive_as_they_were) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, DATAGRAM));
    for (size_t i = 0; i < countof(sizes); i++) {
        size_t size = sizes[i], actual = UNTOUCHED;
        EXPECT_OK(generation->write(pair.near, 0, pattern((unsigned)i, size), size, &actual));
        EXPECT_EQUAL(actual, size);
        EXPECT_EQUAL(waiting(pair.far), size);
        actual = UNTOUCHED;
        EXPECT_OK(generation->read(pair.far, 0, scratch(), CAPACITY + 1, &actual));
        EXPECT_EQUAL(actual, size);
        EXPECT_BYTES(scratch(), pattern((unsigned)i, size), size);
        CHECK(expect_empty(pair.far));
    }
    pair_close(&pair);
}

TEST_BOTH(socket_read, takes_one_datagram_at_a_time) {
    enum { COUNT = 200 };
    struct pair pair;
    size_t actual, total = 0;
    CHECK(pair_create(&pair, generation, DATAGRAM));
    for (unsigned i = 0; i < COUNT; i++) {
        size_t size = 1 + i * 13 % 1200;
        EXPECT_OK(generation->write(pair.near, 0, pattern(i, size), size, NULL));
        total += size;
        EXPECT_EQUAL(waiting(pair.far), total);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        size_t size = 1 + i * 13 % 1200;
        EXPECT_OK(generation->read(pair.far, 0, scratch(), CAPACITY, &actual));
        EXPECT_EQUAL(actual, size);
        EXPECT_BYTES(scratch(), pattern(i, size), size);
    }
    CHECK(expect_empty(pair.far));
    pair_close(&pair);
}

TEST_BOTH(socket_read, what_does_not_fit_of_a_datagram_is_dropped_with_it) {
    static const size_t rooms[] = {0, 1, 3, 63, 4096, 9999};
    struct pair pair;
    CHECK(pair_create(&pair, generation, DATAGRAM));
    for (size_t i = 0; i < countof(rooms); i++) {
        size_t actual = UNTOUCHED;
        CHECK(put(pair.near, pattern(1, 10000), 10000));
        CHECK(put(pair.near, "next", 4));
        memset(scratch(), 0xee, 10000);
        EXPECT_OK(generation->read(pair.far, 0, scratch(), rooms[i], &actual));
        EXPECT_EQUAL(actual, rooms[i]);
        EXPECT_BYTES(scratch(), pattern(1, rooms[i]), rooms[i]);
        EXPECT_EQUAL((unsigned char)scratch()[rooms[i]], 0xee);
        CHECK(expect_read(pair.far, "next", 4));
        CHECK(expect_empty(pair.far));
    }
    pair_close(&pair);
}

TEST_BOTH(socket_write, too_little_room_for_a_datagram_is_should_wait_and_writes_nothing) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, DATAGRAM));
    EXPECT_STATUS(generation->write(pair.near, 0, pattern(0, CAPACITY + 1), CAPACITY + 1, &actual),
                  ZX_ERR_SHOULD_WAIT);
    CHECK(expect_empty(pair.far));
    CHECK(put(pair.near, pattern(0, CAPACITY - 10), CAPACITY - 10));
    EXPECT_STATUS(generation->write(pair.near, 0, pattern(0, 11), 11, &actual), ZX_ERR_SHOULD_WAIT);
    EXPECT_STATUS(generation->write(pair.near, 0, pattern(0, 5000), 5000, &actual),
                  ZX_ERR_SHOULD_WAIT);
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_EQUAL(waiting(pair.far), CAPACITY - 10);
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE);
    CHECK(expect_read(pair.far, pattern(0, CAPACITY - 10), CAPACITY - 10));
    CHECK(expect_empty(pair.far));
    pair_close(&pair);
}

TEST_BOTH(socket_write, a_datagram_fits_to_the_last_byte_of_room) {
    struct pair pair;
    CHECK(pair_create(&pair, generation, DATAGRAM));
    CHECK(put(pair.near, pattern(0, CAPACITY - 10), CAPACITY - 10));
    CHECK(put(pair.near, pattern(7, 10), 10));
    EXPECT_EQUAL(object_signals(pair.near), 0);
    CHECK(expect_no_write(pair.near, ZX_ERR_SHOULD_WAIT));
    CHECK(expect_read(pair.far, pattern(0, CAPACITY - 10), CAPACITY - 10));
    EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE);
    CHECK(expect_read(pair.far, pattern(7, 10), 10));
    CHECK(expect_empty(pair.far));
    pair_close(&pair);
}

TEST_BOTH(socket_write, a_datagram_of_size_0_writes_nothing_and_succeeds) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    CHECK(pair_create(&pair, generation, DATAGRAM));
    EXPECT_OK(generation->write(pair.near, 0, NULL, 0, &actual));
    EXPECT_EQUAL(actual, 0);
    CHECK(expect_empty(pair.far));
    CHECK(put(pair.near, "a", 1));
    EXPECT_OK(generation->write(pair.near, 0, NULL, 0, NULL));
    CHECK(put(pair.near, "b", 1));
    CHECK(expect_read(pair.far, "a", 1));
    CHECK(expect_read(pair.far, "b", 1));
    pair_close(&pair);
}

static void fill_with_bytes(zx_handle_t end) {
    for (size_t i = 0; i < CAPACITY; i++)
        if (zx_socket_write(end, 0, pattern((unsigned)i, 1), 1, NULL) != ZX_OK)
            EXPECT_EQUAL(i, CAPACITY);
}

/* What surrounds a datagram in the kernel takes none of the capacity. */
TEST(zx_socket_write, as_many_datagrams_fit_as_there_are_bytes) {
    struct pair pair;
    char byte;
    size_t actual;
    CHECK(pair_create(&pair, &zx, DATAGRAM));
    CHECK(fill_with_bytes(pair.near));
    CHECK(expect_no_write(pair.near, ZX_ERR_SHOULD_WAIT));
    EXPECT_EQUAL(waiting(pair.far), CAPACITY);
    for (size_t i = 0; i < CAPACITY; i++) {
        zx_status_t status = zx_socket_read(pair.far, 0, &byte, 1, &actual);
        if (status != ZX_OK || actual != 1 || byte != *pattern((unsigned)i, 1))
            EXPECT_EQUAL(i, CAPACITY);
    }
    CHECK(expect_empty(pair.far));
    pair_close(&pair);
}

TEST(zx_socket_create, unread_datagrams_leave_no_memory_behind) {
    struct pair pair;
    for (int round = 0; round < 3; round++) {
        zx_info_kernel_memory_t before = kernel_memory();
        CHECK(pair_create(&pair, &zx, DATAGRAM));
        CHECK(fill_with_bytes(pair.near));
        pair_close(&pair);
        if (round > 0) /* the first warms the caches up */
            CHECK(expect_no_leak(&before, 2));
    }
}
