/* handle_duplicate and handle_replace, both generations. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>

#define EVENT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)
#define UNTOUCHED ((zx_handle_t)0x5a5a5a5a)
#define UNKNOWN_RIGHT (1u << 25)

/* One generation's spelling. */
struct generation {
    zx_status_t (*duplicate)(zx_handle_t, zx_rights_t, zx_handle_t*);
    zx_status_t (*replace)(zx_handle_t, zx_rights_t, zx_handle_t*);
};
static const struct generation zx = {zx_handle_duplicate, zx_handle_replace};
static const struct generation mx = {mx_handle_duplicate, mx_handle_replace};

/* --- duplicate -------------------------------------------------------------------------------- */

TEST_BOTH(handle_duplicate, same_rights_names_the_same_object) {
    zx_handle_t event, copy;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(generation->duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy));
    EXPECT(copy != event);
    EXPECT(copy > 0);
    EXPECT_EQUAL(handle_koid(copy), handle_koid(event));
    EXPECT_EQUAL(handle_rights(copy), EVENT_RIGHTS);
    EXPECT_EQUAL(object_handle_count(event), 2);
    EXPECT_OK(zx_handle_close(event));
    EXPECT(handle_is_valid(copy));
    EXPECT_OK(zx_handle_close(copy));
}

TEST_BOTH(handle_duplicate, fewer_rights_are_those_asked_for) {
    zx_handle_t event, copy;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(generation->duplicate(event, ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT, &copy));
    EXPECT_EQUAL(handle_rights(copy), ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT);
    EXPECT_EQUAL(handle_rights(event), EVENT_RIGHTS);
    EXPECT_STATUS(zx_object_signal(copy, 0, ZX_EVENT_SIGNALED), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_OK(zx_handle_close(copy));
    EXPECT_OK(generation->duplicate(event, ZX_RIGHT_NONE, &copy));
    EXPECT_EQUAL(handle_rights(copy), ZX_RIGHT_NONE);
    EXPECT_OK(zx_handle_close(copy));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(handle_duplicate, more_rights_are_invalid_args) {
    zx_handle_t event, copy = UNTOUCHED;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_STATUS(generation->duplicate(event, EVENT_RIGHTS | ZX_RIGHT_MAP, &copy),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->duplicate(event, EVENT_RIGHTS | UNKNOWN_RIGHT, &copy),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->duplicate(event, ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_READ, &copy),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(copy, UNTOUCHED);
    EXPECT_EQUAL(handle_rights(event), EVENT_RIGHTS);
    EXPECT_EQUAL(object_handle_count(event), 1);
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(handle_duplicate, missing_duplicate_right_is_access_denied) {
    zx_handle_t event, copy = UNTOUCHED;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t poor = duplicate_without(event, ZX_RIGHT_DUPLICATE);
    EXPECT_STATUS(generation->duplicate(poor, ZX_RIGHT_SAME_RIGHTS, &copy), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(copy, UNTOUCHED);
    EXPECT_EQUAL(object_handle_count(event), 2);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(handle_duplicate, the_missing_right_comes_before_the_rights_asked_for) {
    zx_handle_t event, copy = UNTOUCHED;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t poor = duplicate_without(event, ZX_RIGHT_DUPLICATE);
    EXPECT_STATUS(generation->duplicate(poor, EVENT_RIGHTS | ZX_RIGHT_MAP, &copy),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(copy, UNTOUCHED);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(handle_duplicate, invalid_handle_is_bad_handle) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, INT32_MIN, INT32_MAX, stale_handle()};
    zx_handle_t copy = UNTOUCHED;
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_STATUS(generation->duplicate(bad[i], ZX_RIGHT_SAME_RIGHTS, &copy),
                      ZX_ERR_BAD_HANDLE);
    EXPECT_EQUAL(copy, UNTOUCHED);
}

TEST_BOTH(handle_duplicate, bad_out_pointer_is_invalid_args_and_leaks_nothing) {
    void* bad[BAD_POINTER_COUNT];
    zx_handle_t event;
    bad_pointers_to_write(bad);
    EXPECT_OK(zx_event_create(0, &event));
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(generation->duplicate(event, ZX_RIGHT_SAME_RIGHTS, bad[i]),
                      ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(object_handle_count(event), 1);
    EXPECT_OK(zx_handle_close(event));
}

/* --- replace ------------------------------------------------------------------------------ */

TEST_BOTH(handle_replace, the_old_value_dies_and_the_new_one_has_the_rights) {
    zx_handle_t event, replaced;
    EXPECT_OK(zx_event_create(0, &event));
    zx_koid_t koid = handle_koid(event);
    EXPECT_OK(generation->replace(event, ZX_RIGHT_INSPECT | ZX_RIGHT_WAIT, &replaced));
    EXPECT(!handle_is_valid(event));
    EXPECT(replaced != event);
    EXPECT_EQUAL(handle_koid(replaced), koid);
    EXPECT_EQUAL(handle_rights(replaced), ZX_RIGHT_INSPECT | ZX_RIGHT_WAIT);
    EXPECT_EQUAL(object_handle_count(replaced), 1);
    EXPECT_OK(zx_handle_close(replaced));
}

TEST_BOTH(handle_replace, same_rights_keeps_them_without_duplicate_right) {
    zx_handle_t event, replaced;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(generation->replace(event, EVENT_RIGHTS & ~ZX_RIGHT_DUPLICATE, &event));
    EXPECT_OK(generation->replace(event, ZX_RIGHT_SAME_RIGHTS, &replaced));
    EXPECT_EQUAL(handle_rights(replaced), EVENT_RIGHTS & ~ZX_RIGHT_DUPLICATE);
    EXPECT_OK(zx_handle_close(replaced));
}

TEST(mx_handle_replace, more_rights_are_invalid_args_and_the_old_value_stays) {
    mx_handle_t event, replaced = UNTOUCHED;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    EXPECT_STATUS(mx_handle_replace(event, EVENT_RIGHTS | MX_RIGHT_MAP, &replaced),
                  MX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(replaced, UNTOUCHED);
    EXPECT_EQUAL(handle_rights(event), EVENT_RIGHTS);
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
}

TEST(zx_handle_replace, more_rights_are_invalid_args_and_the_old_value_dies) {
    zx_handle_t event, replaced = UNTOUCHED;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_STATUS(zx_handle_replace(event, EVENT_RIGHTS | ZX_RIGHT_MAP, &replaced),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(replaced, UNTOUCHED);
    EXPECT(!handle_is_valid(event));
}

TEST(mx_handle_replace, bad_out_pointer_is_invalid_args_and_the_old_value_stays) {
    void* bad[BAD_POINTER_COUNT];
    mx_handle_t event;
    bad_pointers_to_write(bad);
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        EXPECT_STATUS(mx_handle_replace(event, MX_RIGHT_SAME_RIGHTS, bad[i]), MX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(handle_rights(event), EVENT_RIGHTS);
        EXPECT_EQUAL(object_handle_count(event), 1);
    }
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
}

TEST(zx_handle_replace, bad_out_pointer_is_invalid_args_and_the_object_is_released) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        zx_handle_t ends[2];
        EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
        EXPECT_STATUS(zx_handle_replace(ends[0], ZX_RIGHT_SAME_RIGHTS, bad[i]),
                      ZX_ERR_INVALID_ARGS);
        EXPECT(!handle_is_valid(ends[0]));
        EXPECT(object_signals(ends[1]) & ZX_CHANNEL_PEER_CLOSED);
        EXPECT_OK(zx_handle_close(ends[1]));
    }
}

TEST_BOTH(handle_replace, invalid_handle_is_bad_handle) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, INT32_MIN, INT32_MAX, stale_handle()};
    zx_handle_t replaced = UNTOUCHED;
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_STATUS(generation->replace(bad[i], ZX_RIGHT_SAME_RIGHTS, &replaced),
                      ZX_ERR_BAD_HANDLE);
    EXPECT_EQUAL(replaced, UNTOUCHED);
}
