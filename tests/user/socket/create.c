/* socket_create: options, what the ends are, bad places for the handles. */
#include "fixture.h"

TEST_BOTH(socket_create, makes_two_connected_ends) {
    static const uint32_t kinds[] = {STREAM, DATAGRAM};
    for (size_t i = 0; i < countof(kinds); i++) {
        struct pair pair;
        zx_info_handle_basic_t info;
        CHECK(pair_create(&pair, generation, kinds[i]));
        EXPECT(pair.near > 0 && pair.far > 0 && pair.near != pair.far);
        EXPECT_EQUAL(handle_rights(pair.near), SOCKET_RIGHTS);
        EXPECT_EQUAL(handle_rights(pair.far), SOCKET_RIGHTS);
        EXPECT_EQUAL(object_handle_count(pair.near), 1);
        EXPECT_EQUAL(object_signals(pair.near), ZX_SOCKET_WRITABLE);
        EXPECT_EQUAL(object_signals(pair.far), ZX_SOCKET_WRITABLE);
        EXPECT_OK(
            zx_object_get_info(pair.near, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
        EXPECT_EQUAL(info.type, ZX_OBJ_TYPE_SOCKET);
        EXPECT_EQUAL(info.related_koid, handle_koid(pair.far));
        CHECK(expect_empty(pair.near));
        CHECK(expect_empty(pair.far));
        pair_close(&pair);
    }
}

TEST_BOTH(socket_create, unknown_options_are_invalid_args) {
    static const uint32_t unknown[] = {1, 3, 4, 6, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < countof(unknown); i++) {
        zx_handle_t near = 5, far = 6;
        zx_info_kernel_memory_t before = kernel_memory();
        EXPECT_STATUS(generation->create(unknown[i], &near, &far), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->create(unknown[i], NULL, NULL), ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(near, 5);
        EXPECT_EQUAL(far, 6);
        CHECK(expect_no_leak(&before, 2));
    }
}

static void bad_places(const struct generation* generation) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        zx_handle_t good = 5;
        EXPECT_STATUS(generation->create(STREAM, bad[i], &good), ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(good, 5);
        EXPECT_STATUS(generation->create(DATAGRAM, &good, bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(good, 5);
    }
}

TEST_BOTH(socket_create, bad_out_pointers_are_invalid_args_and_leak_nothing) {
    CHECK(bad_places(generation)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(bad_places(generation));
    CHECK(expect_no_leak(&before, 2));
}

static void create_and_use(void) {
    struct pair pair;
    CHECK(pair_create(&pair, &zx, STREAM));
    CHECK(put(pair.near, pattern(1, CAPACITY), CAPACITY));
    CHECK(put(pair.far, pattern(2, 5000), 5000));
    CHECK(expect_read(pair.near, pattern(2, 100), 100));
    pair_close(&pair);
}

/* Bytes that nobody read go with the ends. */
TEST(zx_socket_create, a_thousand_filled_sockets_leave_no_memory_behind) {
    CHECK(create_and_use());
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 1000; i++)
        CHECK(create_and_use());
    CHECK(expect_no_leak(&before, 16));
}
