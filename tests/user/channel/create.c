/* channel_create: the two ends, and its errors. */
#include "fixture.h"

TEST_BOTH(channel_create, makes_two_connected_ends) {
    zx_handle_t ends[2];
    EXPECT_OK(generation->create(0, &ends[0], &ends[1]));
    EXPECT(ends[0] > 0 && ends[1] > 0 && ends[0] != ends[1]);
    for (int i = 0; i < 2; i++) {
        zx_info_handle_basic_t info;
        EXPECT_OK(
            zx_object_get_info(ends[i], ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
        EXPECT_EQUAL(info.type, ZX_OBJ_TYPE_CHANNEL);
        EXPECT_EQUAL(info.rights, CHANNEL_RIGHTS);
        EXPECT_EQUAL(info.related_koid, handle_koid(ends[1 - i]));
        CHECK(expect_empty(ends[i]));
    }
    EXPECT_OK(generation->write(ends[1], 0, "x", 1, NULL, 0));
    EXPECT_EQUAL(object_signals(ends[0]), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    CHECK(expect_empty(ends[1]));
    EXPECT_OK(zx_handle_close_many(ends, 2));
}

TEST_BOTH(channel_create, options_are_invalid_args) {
    static const uint32_t unknown[] = {1, 2, 0x80000000, UINT32_MAX};
    zx_handle_t near = 5, far = 6;
    zx_info_kernel_memory_t before = kernel_memory();
    for (size_t i = 0; i < countof(unknown); i++) {
        EXPECT_STATUS(generation->create(unknown[i], &near, &far), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->create(unknown[i], NULL, NULL), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQUAL(near, 5);
    EXPECT_EQUAL(far, 6);
    CHECK(expect_no_leak(&before, 2));
}

static void give_bad_places(const struct generation* generation) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        zx_handle_t good = 5;
        EXPECT_STATUS(generation->create(0, bad[i], &good), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->create(0, &good, bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(good, 5);
    }
}

TEST_BOTH(channel_create, bad_out_pointers_are_invalid_args_and_leak_nothing) {
    CHECK(give_bad_places(generation)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(give_bad_places(generation));
    CHECK(expect_no_leak(&before, 2));
}
