/* Bad user memory of every kind: the answer is INVALID_ARGS, and nothing was written or taken. */
#include "fixture.h"

#include <stdatomic.h>
#include <threads.h>
#include <zircon/process.h>

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

#define VANISHING_SIZE (16 * PAGE)
#define VANISHING_ROUNDS 100

struct vanishing {
    zx_handle_t vmar, vmo;
    zx_vaddr_t address;
    atomic_bool is_over;
};

static int map_and_unmap(void* argument) {
    struct vanishing* vanishing = argument;
    while (!atomic_load(&vanishing->is_over)) {
        zx_vaddr_t address;
        zx_vmar_map(vanishing->vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC, 0,
                    vanishing->vmo, 0, VANISHING_SIZE, &address);
        zx_vmar_unmap(vanishing->vmar, vanishing->address, VANISHING_SIZE);
    }
    return 0;
}

/* All or nothing is written, and all or nothing taken. */
static void write_and_read_vanishing(const struct pair* pair, char* bytes) {
    size_t actual = UNTOUCHED;
    zx_status_t status = zx_socket_write(pair->near, 0, bytes, VANISHING_SIZE, &actual);
    if (status == ZX_OK) {
        EXPECT_EQUAL(actual, VANISHING_SIZE);
        EXPECT_EQUAL(waiting(pair->far), VANISHING_SIZE);
        EXPECT_OK(zx_socket_read(pair->far, 0, scratch(), CAPACITY, &actual));
    } else {
        EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(actual, UNTOUCHED);
    }
    CHECK(expect_empty(pair->far));

    CHECK(put(pair->near, pattern(3, VANISHING_SIZE), VANISHING_SIZE));
    actual = UNTOUCHED;
    status = zx_socket_read(pair->far, 0, bytes, VANISHING_SIZE, &actual);
    if (status == ZX_OK) {
        EXPECT_EQUAL(actual, VANISHING_SIZE);
    } else {
        EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(actual, UNTOUCHED);
        CHECK(expect_read(pair->far, pattern(3, VANISHING_SIZE), VANISHING_SIZE));
    }
    CHECK(expect_empty(pair->far));
}

TEST(zx_socket_write, memory_unmapped_by_another_thread_during_the_copy) {
    struct vanishing vanishing = {.is_over = false};
    struct pair pairs[2];
    thrd_t thread;
    EXPECT_OK(zx_vmo_create(VANISHING_SIZE, 0, &vanishing.vmo));
    EXPECT_OK(zx_vmar_allocate(zx_vmar_root_self(),
                               ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                               VANISHING_SIZE, &vanishing.vmar, &vanishing.address));
    for (size_t i = 0; i < countof(kinds); i++)
        CHECK(pair_create(&pairs[i], &zx, kinds[i]));
    EXPECT_EQUAL(thrd_create(&thread, map_and_unmap, &vanishing), thrd_success);
    for (int i = 0; i < VANISHING_ROUNDS && !test_has_failed(); i++)
        write_and_read_vanishing(&pairs[i % 2], (char*)vanishing.address);
    atomic_store(&vanishing.is_over, true);
    EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
    EXPECT_OK(zx_vmar_destroy(vanishing.vmar));
    EXPECT_OK(zx_handle_close(vanishing.vmo));
    EXPECT_OK(zx_handle_close(vanishing.vmar));
    for (size_t i = 0; i < countof(kinds); i++)
        pair_close(&pairs[i]);
}
