/* handle_duplicate and handle_replace, both generations. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>

#define EVENT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)
#define UNTOUCHED ((zx_handle_t)0x5a5a5a5a)
#define UNKNOWN_RIGHT (1u << 25)

TEST(zx_handle_duplicate, same_rights_names_the_same_object) {
    zx_handle_t event, copy;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy));
    EXPECT(copy != event);
    EXPECT(copy > 0);
    EXPECT_EQUAL(handle_koid(copy), handle_koid(event));
    EXPECT_EQUAL(handle_rights(copy), EVENT_RIGHTS);
    EXPECT_EQUAL(object_handle_count(event), 2);
    EXPECT_OK(zx_handle_close(event));
    EXPECT(handle_is_valid(copy));
    EXPECT_OK(zx_handle_close(copy));
}

TEST(zx_handle_duplicate, fewer_rights_are_those_asked_for) {
    zx_handle_t event, copy;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_handle_duplicate(event, ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT, &copy));
    EXPECT_EQUAL(handle_rights(copy), ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT);
    EXPECT_EQUAL(handle_rights(event), EVENT_RIGHTS);
    EXPECT_STATUS(zx_object_signal(copy, 0, ZX_EVENT_SIGNALED), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_OK(zx_handle_close(copy));
    EXPECT_OK(zx_handle_duplicate(event, ZX_RIGHT_NONE, &copy));
    EXPECT_EQUAL(handle_rights(copy), ZX_RIGHT_NONE);
    EXPECT_OK(zx_handle_close(copy));
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_handle_duplicate, more_rights_are_invalid_args) {
    zx_handle_t event, copy = UNTOUCHED;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_STATUS(zx_handle_duplicate(event, EVENT_RIGHTS | ZX_RIGHT_MAP, &copy),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_handle_duplicate(event, EVENT_RIGHTS | UNKNOWN_RIGHT, &copy),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_READ, &copy),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(copy, UNTOUCHED);
    EXPECT_EQUAL(handle_rights(event), EVENT_RIGHTS);
    EXPECT_EQUAL(object_handle_count(event), 1);
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_handle_duplicate, without_duplicate_right_is_access_denied) {
    zx_handle_t event, copy = UNTOUCHED;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t poor = duplicate_without(event, ZX_RIGHT_DUPLICATE);
    EXPECT_STATUS(zx_handle_duplicate(poor, ZX_RIGHT_SAME_RIGHTS, &copy), ZX_ERR_ACCESS_DENIED);
    /* The missing right is told before the wrong ones asked for. */
    EXPECT_STATUS(zx_handle_duplicate(poor, EVENT_RIGHTS | ZX_RIGHT_MAP, &copy),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(copy, UNTOUCHED);
    EXPECT_EQUAL(object_handle_count(event), 2);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_handle_duplicate, of_no_handle_is_bad_handle) {
    zx_handle_t copy = UNTOUCHED;
    EXPECT_STATUS(zx_handle_duplicate(ZX_HANDLE_INVALID, ZX_RIGHT_SAME_RIGHTS, &copy),
                  ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_handle_duplicate(-1, ZX_RIGHT_SAME_RIGHTS, &copy), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_handle_duplicate(stale_handle(), ZX_RIGHT_SAME_RIGHTS, &copy),
                  ZX_ERR_BAD_HANDLE);
    EXPECT_EQUAL(copy, UNTOUCHED);
}

TEST(zx_handle_duplicate, bad_out_pointer_is_invalid_args_and_leaks_nothing) {
    void* bad[BAD_POINTER_COUNT];
    zx_handle_t event;
    bad_pointers_to_write(bad);
    EXPECT_OK(zx_event_create(0, &event));
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, bad[i]),
                      ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(object_handle_count(event), 1);
    EXPECT_OK(zx_handle_close(event));
}

TEST(mx_handle_duplicate, answers_as_zx_does) {
    mx_handle_t event, copy = UNTOUCHED;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    EXPECT_STATUS(mx_handle_duplicate(event, EVENT_RIGHTS | MX_RIGHT_MAP, &copy),
                  MX_ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_handle_duplicate(MX_HANDLE_INVALID, 0, &copy), MX_ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_handle_duplicate(event, MX_RIGHT_READ, &copy), MX_OK);
    EXPECT_STATUS(mx_handle_duplicate(copy, MX_RIGHT_READ, &event), MX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(mx_handle_close(copy), MX_OK);
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
}

/* --- replace ------------------------------------------------------------------------------ */

TEST(zx_handle_replace, the_old_value_dies_and_the_new_one_has_the_rights) {
    zx_handle_t event, replaced;
    EXPECT_OK(zx_event_create(0, &event));
    zx_koid_t koid = handle_koid(event);
    EXPECT_OK(zx_handle_replace(event, ZX_RIGHT_INSPECT | ZX_RIGHT_WAIT, &replaced));
    EXPECT(!handle_is_valid(event));
    EXPECT(replaced != event);
    EXPECT_EQUAL(handle_koid(replaced), koid);
    EXPECT_EQUAL(handle_rights(replaced), ZX_RIGHT_INSPECT | ZX_RIGHT_WAIT);
    EXPECT_EQUAL(object_handle_count(replaced), 1);
    EXPECT_OK(zx_handle_close(replaced));
}

TEST(zx_handle_replace, same_rights_keeps_them_without_duplicate_right) {
    zx_handle_t event, replaced;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_handle_replace(event, EVENT_RIGHTS & ~ZX_RIGHT_DUPLICATE, &event));
    EXPECT_OK(zx_handle_replace(event, ZX_RIGHT_SAME_RIGHTS, &replaced));
    EXPECT_EQUAL(handle_rights(replaced), EVENT_RIGHTS & ~ZX_RIGHT_DUPLICATE);
    EXPECT_OK(zx_handle_close(replaced));
}

TEST(mx_handle_replace, the_old_value_dies_and_the_new_one_has_the_rights) {
    mx_handle_t event, replaced;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    EXPECT_STATUS(mx_handle_replace(event, MX_RIGHT_INSPECT, &replaced), MX_OK);
    EXPECT(!handle_is_valid(event));
    EXPECT_EQUAL(handle_rights(replaced), MX_RIGHT_INSPECT);
    EXPECT_STATUS(mx_handle_close(replaced), MX_OK);
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

TEST(zx_handle_replace, of_no_handle_is_bad_handle) {
    zx_handle_t replaced = UNTOUCHED;
    EXPECT_STATUS(zx_handle_replace(ZX_HANDLE_INVALID, ZX_RIGHT_SAME_RIGHTS, &replaced),
                  ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_handle_replace(stale_handle(), ZX_RIGHT_SAME_RIGHTS, &replaced),
                  ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_handle_replace(MX_HANDLE_INVALID, MX_RIGHT_SAME_RIGHTS, &replaced),
                  MX_ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_handle_replace(stale_handle(), MX_RIGHT_SAME_RIGHTS, &replaced),
                  MX_ERR_BAD_HANDLE);
    EXPECT_EQUAL(replaced, UNTOUCHED);
}
