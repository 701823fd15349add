/* handle_close and handle_close_many, both generations. */
#include <helper.h>
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <stdlib.h>
#include <zircon/process.h>

/* One generation's spelling. */
struct generation {
    zx_status_t (*close)(zx_handle_t);
    zx_status_t (*close_many)(const zx_handle_t*, size_t);
};
static const struct generation zx = {zx_handle_close, zx_handle_close_many};
static const struct generation mx = {mx_handle_close, mx_handle_close_many};

/* Values that never named anything. */
static const zx_handle_t never_valid[] = {-1, INT32_MIN, INT32_MAX, 1, 2, 12345678, -12345678};

TEST_BOTH(handle_close, closes_and_a_second_time_is_bad_handle) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT(event > 0);
    EXPECT_OK(generation->close(event));
    EXPECT(!handle_is_valid(event));
    EXPECT_STATUS(generation->close(event), ZX_ERR_BAD_HANDLE);
}

TEST(zx_handle_close, zero_is_ok) {
    EXPECT_OK(zx_handle_close(ZX_HANDLE_INVALID));
}

TEST(mx_handle_close, zero_is_bad_handle) {
    EXPECT_STATUS(mx_handle_close(MX_HANDLE_INVALID), MX_ERR_BAD_HANDLE);
}

TEST_BOTH(handle_close, forged_and_negative_values_are_bad_handle) {
    for (size_t i = 0; i < countof(never_valid); i++)
        EXPECT_STATUS(generation->close(never_valid[i]), ZX_ERR_BAD_HANDLE);
}

/* No value near a valid one is valid, too: neither with another index nor another generation. */
TEST(zx_handle_close, values_one_bit_away_are_bad_handle) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    for (int bit = 0; bit < 32; bit++) {
        zx_handle_t other = (zx_handle_t)((uint32_t)event ^ 1u << bit);
        if (handle_koid(other) == handle_koid(event))
            test_fail(__FILE__, __LINE__, "bit %d does not matter", bit);
    }
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_handle_close, value_is_not_reused_soon) {
    zx_handle_t first, next;
    EXPECT_OK(zx_event_create(0, &first));
    EXPECT_OK(zx_handle_close(first));
    for (int i = 0; i < 20000; i++) {
        EXPECT_OK(zx_event_create(0, &next));
        EXPECT(next != first);
        EXPECT_OK(zx_handle_close(next));
    }
    EXPECT(!handle_is_valid(first));
}

TEST_BOTH(handle_close, last_handle_releases_the_object) {
    zx_handle_t ends[2], copy;
    EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
    EXPECT_OK(zx_handle_duplicate(ends[0], ZX_RIGHT_SAME_RIGHTS, &copy));
    EXPECT_OK(generation->close(ends[0]));
    EXPECT_EQUAL(object_signals(ends[1]), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(generation->close(copy));
    EXPECT_EQUAL(object_signals(ends[1]) & ZX_CHANNEL_PEER_CLOSED, ZX_CHANNEL_PEER_CLOSED);
    EXPECT_OK(generation->close(ends[1]));
}

/* --- many --------------------------------------------------------------------------------- */

TEST_BOTH(handle_close_many, closes_all) {
    zx_handle_t events[200];
    for (size_t i = 0; i < countof(events); i++)
        EXPECT_OK(zx_event_create(0, &events[i]));
    EXPECT_OK(generation->close_many(events, countof(events)));
    for (size_t i = 0; i < countof(events); i++)
        EXPECT(!handle_is_valid(events[i]));
}

TEST_BOTH(handle_close_many, nothing_is_ok_with_a_null_array) {
    EXPECT_OK(generation->close_many(NULL, 0));
}

TEST_BOTH(handle_close_many, bad_array_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(generation->close_many(bad[i], 1), ZX_ERR_INVALID_ARGS);
}

TEST_BOTH(handle_close_many, zeros_are_passed_over) {
    zx_handle_t handles[3] = {ZX_HANDLE_INVALID, 0, ZX_HANDLE_INVALID};
    EXPECT_OK(zx_event_create(0, &handles[1]));
    EXPECT_OK(generation->close_many(handles, countof(handles)));
    EXPECT(!handle_is_valid(handles[1]));
}

TEST_BOTH(handle_close_many, an_invalid_element_is_bad_handle_and_the_others_are_closed) {
    zx_handle_t handles[3] = {0, -7, 0};
    EXPECT_OK(zx_event_create(0, &handles[0]));
    EXPECT_OK(zx_event_create(0, &handles[2]));
    EXPECT_STATUS(generation->close_many(handles, countof(handles)), ZX_ERR_BAD_HANDLE);
    EXPECT(!handle_is_valid(handles[0]));
    EXPECT(!handle_is_valid(handles[2]));
}

TEST_BOTH(handle_close_many, the_same_handle_twice_is_bad_handle_and_closed) {
    zx_handle_t handles[2];
    EXPECT_OK(zx_event_create(0, &handles[0]));
    handles[1] = handles[0];
    EXPECT_STATUS(generation->close_many(handles, countof(handles)), ZX_ERR_BAD_HANDLE);
    EXPECT(!handle_is_valid(handles[0]));
}

/* --- whose handle ------------------------------------------------------------------------- */

/* Receives a value of its parent's table, closes it and returns the status. */
HELPER(closes_a_foreign_value) {
    zx_handle_t value;
    if (channel_receive(channel, &value, sizeof(value), NULL, NULL, 0, NULL) != ZX_OK)
        return -1;
    return zx_handle_close(value);
}

TEST(zx_handle_close, a_value_of_another_process_is_bad_handle) {
    struct helper helper;
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    CHECK(helper_start(&helper, "closes_a_foreign_value"));
    EXPECT_OK(zx_channel_write(helper.channel, 0, &event, sizeof(event), NULL, 0));
    CHECK(helper_finish(&helper, ZX_ERR_BAD_HANDLE));
    EXPECT_OK(zx_handle_close(event));
}

/* --- how many ----------------------------------------------------------------------------- */

/* A process killed with very many handles gives all of them back. */
HELPER(collects_handles) {
    zx_handle_t event, ignored;
    zx_event_create(0, &event);
    for (int i = 0; i < 100000; i++)
        if (zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &ignored) != ZX_OK)
            return 1;
    helper_report_ready(channel);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

TEST(handle_table, of_a_killed_process_with_100000_handles_is_released) {
    struct helper helper;
    zx_info_kernel_memory_t before = {0};
    for (int round = 0; round < 2; round++) { /* the first one warms the caches up */
        if (round == 1)
            before = kernel_memory();
        CHECK(helper_start(&helper, "collects_handles"));
        CHECK(helper_wait_until_ready(&helper));
        CHECK(helper_kill(&helper));
        helper_close(&helper);
    }
    CHECK(expect_no_leak(&before, 32));
}
