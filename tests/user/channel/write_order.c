/* A call with several faults answers the first of: options, handle, sizes, pointers, elements from
 * left to right, the state of the channel. */
#include "fixture.h"

#include <magenta/syscalls.h>

#define BAD_POINTER ((void*)8)

TEST_BOTH(channel_write, faults_are_told_in_order) {
    zx_handle_t near, far, event;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t no_write = duplicate_without(near, ZX_RIGHT_WRITE);
    zx_handle_t poor_event = duplicate_without(event, ZX_RIGHTS_BASIC | ZX_RIGHTS_IO);
    const zx_handle_t bad_array[] = {-1};

    /* Options before the handle. */
    EXPECT_STATUS(generation->write(-1, 1, BAD_POINTER, UINT32_MAX, BAD_POINTER, UINT32_MAX),
                  ZX_ERR_INVALID_ARGS);
    /* The handle before the sizes; its type before its rights. */
    EXPECT_STATUS(generation->write(-1, 0, BAD_POINTER, UINT32_MAX, BAD_POINTER, UINT32_MAX),
                  ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(
        generation->write(poor_event, 0, BAD_POINTER, UINT32_MAX, BAD_POINTER, UINT32_MAX),
        ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(generation->write(no_write, 0, BAD_POINTER, UINT32_MAX, BAD_POINTER, UINT32_MAX),
                  ZX_ERR_ACCESS_DENIED);
    /* Sizes before pointers. */
    EXPECT_STATUS(generation->write(near, 0, BAD_POINTER, UINT32_MAX, BAD_POINTER, 1),
                  ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(generation->write(near, 0, BAD_POINTER, 1, BAD_POINTER, UINT32_MAX),
                  ZX_ERR_OUT_OF_RANGE);
    /* Pointers before elements. */
    EXPECT_STATUS(generation->write(near, 0, BAD_POINTER, 1, bad_array, 1), ZX_ERR_INVALID_ARGS);
    /* Elements before the state. */
    EXPECT_OK(zx_handle_close(far));
    EXPECT_STATUS(generation->write(near, 0, "x", 1, bad_array, 1), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(generation->write(near, 0, "x", 1, NULL, 0), ZX_ERR_PEER_CLOSED);

    const zx_handle_t handles[] = {near, event, no_write, poor_event};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

/* The leftmost faulty element decides. */
TEST_BOTH(channel_write, the_leftmost_faulty_element_decides) {
    enum { INVALID, NO_TRANSFER, ITSELF, KINDS };
    const zx_status_t answers[KINDS] = {ZX_ERR_BAD_HANDLE, ZX_ERR_ACCESS_DENIED,
                                        ZX_ERR_NOT_SUPPORTED};
    for (int first = 0; first < KINDS; first++) {
        for (int second = 0; second < KINDS; second++) {
            zx_handle_t near, far, event;
            EXPECT_OK(zx_channel_create(0, &near, &far));
            EXPECT_OK(zx_event_create(0, &event));
            zx_handle_t kinds[KINDS] = {-1, duplicate_without(event, ZX_RIGHT_TRANSFER),
                                        duplicate(near)};
            zx_handle_t handles[] = {event, kinds[first], kinds[second]};
            if (first == second)
                handles[2] = ZX_HANDLE_INVALID;
            EXPECT_STATUS(generation->write(near, 0, "x", 1, handles, 3), answers[first]);
            zx_handle_close_many(kinds + 1, 2);
            zx_handle_close(event);
            EXPECT_OK(zx_handle_close(near));
            EXPECT_OK(zx_handle_close(far));
        }
    }
}
