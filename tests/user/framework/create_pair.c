#include "create_pair.h"
#include "objects.h"
#include "test.h"

#define PAGE_SLACK 2

void expect_two_ends(create_pair_t create, uint32_t options, uint32_t type, zx_rights_t rights,
                     zx_signals_t shown) {
    zx_handle_t ends[2];
    EXPECT_OK(create(options, &ends[0], &ends[1]));
    EXPECT(ends[0] > 0 && ends[1] > 0 && ends[0] != ends[1]);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQUAL(handle_type(ends[i]), type);
        EXPECT_EQUAL(handle_rights(ends[i]), rights);
        EXPECT_EQUAL(handle_related_koid(ends[i]), handle_koid(ends[1 - i]));
        EXPECT_EQUAL(object_handle_count(ends[i]), 1);
        EXPECT_EQUAL(object_signals(ends[i]), shown);
    }
    EXPECT_OK(zx_handle_close_many(ends, 2));
}

void expect_options_refused(create_pair_t create, uint32_t options, zx_status_t expected) {
    zx_handle_t end0 = 5, end1 = 6;
    zx_info_kernel_memory_t before = kernel_memory();
    EXPECT_STATUS(create(options, &end0, &end1), expected);
    EXPECT_STATUS(create(options, NULL, NULL), expected);
    EXPECT_EQUAL(end0, 5);
    EXPECT_EQUAL(end1, 6);
    CHECK(expect_no_leak(&before, PAGE_SLACK));
}

static void give_bad_places(create_pair_t create, uint32_t options) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        zx_handle_t good = 5;
        EXPECT_STATUS(create(options, bad[i], &good), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(create(options, &good, bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(good, 5);
    }
}

void expect_bad_places_refused(create_pair_t create, uint32_t options) {
    CHECK(give_bad_places(create, options)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(give_bad_places(create, options));
    CHECK(expect_no_leak(&before, PAGE_SLACK));
}
