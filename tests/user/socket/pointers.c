/* Bad user memory of every kind: the status is INVALID_ARGS, and nothing was written or taken. */
#include "fixture.h"

#include <flicker.h>

#define PAGE ((size_t)PAGE_SIZE_BYTES)

static const uint32_t kinds[] = {STREAM, DATAGRAM};
static const size_t sizes[] = {1, 2, 7, 8, 9, 64, 4095, 4096, 4097, 65536, CAPACITY};

TEST_BOTH(socket_write, bad_buffer_is_invalid_args_and_nothing_is_written) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT * countof(sizes); i++) {
        struct pair pair;
        size_t actual = UNTOUCHED;
        CHECK(pair_create(&pair, generation, kinds[i % countof(kinds)]));
        EXPECT_STATUS(generation->write(pair.near, 0, bad[i / countof(sizes)],
                                        sizes[i % countof(sizes)], &actual),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(actual, UNTOUCHED);
        EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE);
        CHECK(expect_empty(pair.far));
        CHECK(put(pair.near, "after", 5));
        CHECK(expect_read(pair.far, "after", 5));
        pair_close(&pair);
    }
}

/* Good up to the last byte; then one byte too far. */
TEST_BOTH(socket_write, buffer_at_the_end_of_a_page) {
    for (size_t i = 0; i < countof(kinds) * countof(sizes); i++) {
        size_t size = sizes[i / countof(kinds)], actual = UNTOUCHED;
        struct pair pair;
        char* buffer = guarded_buffer(size);
        EXPECT(buffer);
        memcpy(buffer, pattern((unsigned)i, size), size);
        CHECK(pair_create(&pair, generation, kinds[i % countof(kinds)]));
        if (size < CAPACITY) {
            EXPECT_STATUS(generation->write(pair.near, 0, buffer, size + 1, &actual),
                          ZX_ERR_INVALID_ARGS);
            EXPECT_EQUAL(actual, UNTOUCHED);
            CHECK(expect_empty(pair.far));
        }
        EXPECT_OK(generation->write(pair.near, 0, buffer, size, &actual));
        EXPECT_EQUAL(actual, size);
        CHECK(expect_read(pair.far, pattern((unsigned)i, size), size));
        guarded_buffer_free(buffer, size);
        pair_close(&pair);
    }
}

/* Whether a buffer is good does not depend on how much of it would fit. */
TEST_BOTH(socket_write, a_short_write_from_a_bad_buffer_is_invalid_args) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    char* buffer = guarded_buffer(100);
    EXPECT(buffer);
    CHECK(pair_create(&pair, generation, STREAM));
    CHECK(put(pair.near, pattern(0, CAPACITY - 100), CAPACITY - 100));
    EXPECT_STATUS(generation->write(pair.near, 0, buffer, 101, &actual), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_EQUAL(waiting(pair.far), CAPACITY - 100);
    guarded_buffer_free(buffer, 100);
    pair_close(&pair);
}

TEST_BOTH(socket_write, lengths_that_wrap_around_are_invalid_args) {
    static const size_t huge[] = {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX / 2 + 1, 1ul << 48};
    static char bytes[64];
    for (size_t i = 0; i < countof(huge) * countof(kinds); i++) {
        struct pair pair;
        size_t actual = UNTOUCHED;
        CHECK(pair_create(&pair, generation, kinds[i % countof(kinds)]));
        EXPECT_STATUS(generation->write(pair.near, 0, bytes, huge[i / countof(kinds)], &actual),
                      ZX_ERR_INVALID_ARGS);
        CHECK(expect_empty(pair.far));
        EXPECT_STATUS(generation->read(pair.far, 0, bytes, huge[i / countof(kinds)], &actual),
                      ZX_ERR_INVALID_ARGS);
        CHECK(put(pair.near, "hello", 5));
        EXPECT_STATUS(generation->read(pair.far, 0, bytes, huge[i / countof(kinds)], &actual),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(actual, UNTOUCHED);
        CHECK(expect_read(pair.far, "hello", 5));
        pair_close(&pair);
    }
}

TEST_BOTH(socket_write, bad_actual_is_invalid_args_and_nothing_happens) {
    static const size_t few[] = {1, 64, 4096, 5000};
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT * countof(few); i++) {
        size_t size = few[i % countof(few)];
        size_t* actual = bad[i / countof(few)];
        if (!actual)
            continue; /* not wanted */
        struct pair pair;
        CHECK(pair_create(&pair, generation, kinds[i % countof(kinds)]));
        EXPECT_STATUS(generation->write(pair.near, 0, pattern(0, size), size, actual),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->write(pair.near, 0, NULL, 0, actual), ZX_ERR_INVALID_ARGS);
        CHECK(expect_empty(pair.far));
        CHECK(put(pair.near, pattern(1, size), size));
        memset(scratch(), 0xee, size);
        EXPECT_STATUS(generation->read(pair.far, 0, scratch(), size, actual), ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL((unsigned char)scratch()[0], 0xee);
        EXPECT_STATUS(generation->read(pair.far, 0, NULL, 0, actual), ZX_ERR_INVALID_ARGS);
        CHECK(expect_read(pair.far, pattern(1, size), size));
        pair_close(&pair);
    }
}

TEST_BOTH(socket_read, bad_buffer_is_invalid_args_and_nothing_is_taken) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT * countof(sizes); i++) {
        size_t size = sizes[i % countof(sizes)], actual = UNTOUCHED;
        struct pair pair;
        CHECK(pair_create(&pair, generation, kinds[i % countof(kinds)]));
        CHECK(put(pair.near, pattern(0, size), size));
        EXPECT_STATUS(generation->read(pair.far, 0, bad[i / countof(sizes)], size, &actual),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(actual, UNTOUCHED);
        EXPECT_EQUAL(waiting(pair.far), size);
        CHECK(expect_read(pair.far, pattern(0, size), size));
        pair_close(&pair);
    }
}

/* Nothing of a read that fails at the end of its place is written at the beginning. */
TEST_BOTH(socket_read, buffer_at_the_end_of_a_page) {
    for (size_t i = 0; i < countof(kinds) * countof(sizes); i++) {
        size_t size = sizes[i / countof(kinds)], actual = UNTOUCHED;
        struct pair pair;
        char* buffer = guarded_buffer(size);
        EXPECT(buffer);
        memset(buffer, 0x55, size);
        CHECK(pair_create(&pair, generation, kinds[i % countof(kinds)]));
        if (size < CAPACITY) {
            CHECK(put(pair.near, pattern((unsigned)i, size + 1), size + 1));
            EXPECT_STATUS(generation->read(pair.far, 0, buffer, size + 1, &actual),
                          ZX_ERR_INVALID_ARGS);
            EXPECT_EQUAL(actual, UNTOUCHED);
            for (size_t k = 0; k < size; k += PAGE / 2)
                EXPECT_EQUAL(buffer[k], 0x55);
            EXPECT_EQUAL(buffer[size - 1], 0x55);
            CHECK(expect_read(pair.far, pattern((unsigned)i, size + 1), size + 1));
        }
        CHECK(put(pair.near, pattern((unsigned)i, size), size));
        EXPECT_OK(generation->read(pair.far, 0, buffer, size, &actual));
        EXPECT_EQUAL(actual, size);
        EXPECT_BYTES(buffer, pattern((unsigned)i, size), size);
        guarded_buffer_free(buffer, size);
        pair_close(&pair);
    }
}

/* Only what is read needs a place. */
TEST(zx_socket_read, a_place_larger_than_what_waits_need_not_be_whole) {
    struct pair pair;
    size_t actual = UNTOUCHED;
    char* buffer = guarded_buffer(10);
    EXPECT(buffer);
    CHECK(pair_create(&pair, &zx, STREAM));
    CHECK(put(pair.near, "0123456789", 10));
    EXPECT_OK(zx_socket_read(pair.far, 0, buffer, 20, &actual));
    EXPECT_EQUAL(actual, 10);
    EXPECT_BYTES(buffer, "0123456789", 10);
    guarded_buffer_free(buffer, 10);
    pair_close(&pair);
}

/* Memory that the program mapped and never touched is brought in. */
TEST(zx_socket_write, fresh_memory_reads_as_zeroes_and_takes_bytes) {
    for (size_t i = 0; i < countof(sizes); i++) {
        size_t size = sizes[i], actual;
        struct pair pair;
        char* source = guarded_buffer(size);
        char* place = guarded_buffer(size);
        EXPECT(source && place);
        CHECK(pair_create(&pair, &zx, STREAM));
        EXPECT_OK(zx_socket_write(pair.near, 0, source, size, &actual));
        EXPECT_EQUAL(actual, size);
        EXPECT_OK(zx_socket_read(pair.far, 0, place, size, &actual));
        EXPECT_EQUAL(actual, size);
        EXPECT_EQUAL(place[0], 0);
        EXPECT_BYTES(place, source, size);
        guarded_buffer_free(source, size);
        guarded_buffer_free(place, size);
        pair_close(&pair);
    }
}

/* --- memory that goes away during the copy ---------------------------------------------------- */

#define FLICKERING_SIZE (16 * PAGE)

/* All or nothing is written. */
static void write_once(const struct generation* generation, const struct pair* pair,
                       struct flicker* flicker) {
    size_t actual = UNTOUCHED;
    zx_status_t status = generation->write(pair->near, 0, flicker->bytes, FLICKERING_SIZE, &actual);
    flicker_count(flicker, status == ZX_OK);
    if (status == ZX_OK) {
        EXPECT_EQUAL(actual, FLICKERING_SIZE);
        CHECK(expect_read(pair->far, pattern(3, FLICKERING_SIZE), FLICKERING_SIZE));
    } else {
        EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(actual, UNTOUCHED);
    }
    CHECK(expect_empty(pair->far));
}

/* Does it until both outcomes were seen, with a stream and with datagrams. */
static void let_flicker(const struct generation* generation,
                        void (*once)(const struct generation*, const struct pair*,
                                     struct flicker*)) {
    for (size_t i = 0; i < countof(kinds); i++) {
        struct pair pair;
        struct flicker flicker;
        CHECK(pair_create(&pair, generation, kinds[i]));
        CHECK(flicker_start(&flicker, FLICKERING_SIZE));
        EXPECT_OK(zx_vmo_write(flicker.vmo, pattern(3, FLICKERING_SIZE), 0, FLICKERING_SIZE));
        while (!flicker_is_over(&flicker))
            once(generation, &pair, &flicker);
        CHECK(flicker_stop(&flicker));
        pair_close(&pair);
    }
}

TEST_BOTH(socket_write, memory_unmapped_during_the_copy_arrives_whole_or_not_at_all) {
    CHECK(let_flicker(generation, write_once));
}

/* All or nothing is taken. */
static void read_once(const struct generation* generation, const struct pair* pair,
                      struct flicker* flicker) {
    size_t actual = UNTOUCHED;
    EXPECT_OK(zx_vmo_write(flicker->vmo, "????", FLICKERING_SIZE / 2 - 2, 4));
    CHECK(put(pair->near, pattern(3, FLICKERING_SIZE), FLICKERING_SIZE));
    zx_status_t status = generation->read(pair->far, 0, flicker->bytes, FLICKERING_SIZE, &actual);
    flicker_count(flicker, status == ZX_OK);
    if (status == ZX_OK) {
        EXPECT_EQUAL(actual, FLICKERING_SIZE);
        EXPECT_OK(zx_vmo_read(flicker->vmo, scratch(), 0, FLICKERING_SIZE));
        EXPECT_BYTES(scratch(), pattern(3, FLICKERING_SIZE), FLICKERING_SIZE);
    } else {
        EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(actual, UNTOUCHED);
        CHECK(expect_read(pair->far, pattern(3, FLICKERING_SIZE), FLICKERING_SIZE));
    }
    CHECK(expect_empty(pair->far));
}

TEST_BOTH(socket_read, a_buffer_unmapped_during_the_copy_gets_all_or_takes_nothing) {
    CHECK(let_flicker(generation, read_once));
}
