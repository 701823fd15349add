/* msgpipe_create, and what the two ends show. */
#include "fixture.h"

TEST(mx_msgpipe_create, makes_two_connected_ends) {
    for (uint32_t flags = 0; flags <= MX_FLAG_REPLY_PIPE; flags++) {
        mx_handle_t handles[2] = {0, 0};
        zx_info_handle_basic_t info;
        EXPECT_STATUS(mx_msgpipe_create(handles, flags), NO_ERROR);
        for (int i = 0; i < 2; i++) {
            EXPECT(handles[i] > 0);
            EXPECT_EQUAL(object_signals(handles[i]), MX_SIGNAL_WRITABLE);
            EXPECT_OK(zx_object_get_info(handles[i], ZX_INFO_HANDLE_BASIC, &info, sizeof(info),
                                         NULL, NULL));
            EXPECT_EQUAL(info.type, ZX_OBJ_TYPE_MSGPIPE);
            EXPECT_EQUAL(info.rights, PIPE_RIGHTS);
            EXPECT_EQUAL(info.related_koid, handle_koid(handles[1 - i]));
        }
        EXPECT_STATUS(mx_handle_close(handles[0]), NO_ERROR);
        EXPECT_EQUAL(object_signals(handles[1]), MX_SIGNAL_PEER_CLOSED);
        EXPECT_STATUS(mx_handle_close(handles[1]), NO_ERROR);
    }
}

TEST(mx_msgpipe_create, unknown_flags_are_invalid_args) {
    static const uint32_t flags[] = {2, 3, 4, 0x80000000, 0x80000001, UINT32_MAX};
    for (size_t i = 0; i < countof(flags); i++) {
        mx_handle_t handles[2] = {5, 6};
        EXPECT_STATUS(mx_msgpipe_create(handles, flags[i]), ERR_INVALID_ARGS);
        EXPECT_EQUAL(handles[0], 5);
        EXPECT_EQUAL(handles[1], 6);
    }
}

TEST(mx_msgpipe_create, bad_pointers_are_invalid_args_and_leak_nothing) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    zx_info_kernel_memory_t before = kernel_memory();
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(mx_msgpipe_create(bad[i], i % 2), ERR_INVALID_ARGS);
    CHECK(expect_no_leak(&before, 8));
}

/* The first handle's place is good, the second's is not. */
TEST(mx_msgpipe_create, half_a_place_is_invalid_args_and_stays_as_it_was) {
    zx_info_kernel_memory_t before;
    mx_handle_t* place = (mx_handle_t*)guarded_buffer(sizeof(*place));
    EXPECT(place);
    *place = 77;
    before = kernel_memory();
    EXPECT_STATUS(mx_msgpipe_create(place, 0), ERR_INVALID_ARGS);
    EXPECT_EQUAL(*place, 77);
    CHECK(expect_no_leak(&before, 8));
    guarded_buffer_free((char*)place, sizeof(*place));
}

TEST(mx_msgpipe_create, ends_can_be_waited_on_with_2016_calls) {
    mx_handle_t handles[2];
    mx_signals_t observed = 0;
    EXPECT_STATUS(mx_msgpipe_create(handles, 0), NO_ERROR);
    EXPECT_STATUS(mx_handle_wait_one(handles[1], MX_SIGNAL_READABLE, MX_MSEC(1), &observed),
                  ERR_TIMED_OUT);
    EXPECT_EQUAL(observed, MX_SIGNAL_WRITABLE);
    EXPECT_STATUS(mx_msgpipe_write(handles[0], "w", 1, NULL, 0, 0), NO_ERROR);
    EXPECT_STATUS(mx_handle_wait_one(handles[1], MX_SIGNAL_READABLE, MX_TIME_INFINITE, &observed),
                  NO_ERROR);
    EXPECT_EQUAL(observed, MX_SIGNAL_READABLE | MX_SIGNAL_WRITABLE);
    EXPECT_STATUS(mx_handle_close(handles[0]), NO_ERROR);
    EXPECT_STATUS(mx_handle_wait_one(handles[1], MX_SIGNAL_PEER_CLOSED, 0, &observed), NO_ERROR);
    EXPECT_EQUAL(observed, MX_SIGNAL_READABLE | MX_SIGNAL_PEER_CLOSED);
    EXPECT_STATUS(mx_handle_close(handles[1]), NO_ERROR);
}
