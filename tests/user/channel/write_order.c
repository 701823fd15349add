/* A call with several faults returns the error of the first of these: options, handle, sizes,
 * pointers, elements from left to right, the state of the channel. */
#include "fixture.h"

#include <magenta/syscalls.h>

/* Writes with everything else bad. */
static zx_status_t write_badly(const struct generation* generation, zx_handle_t handle,
                               uint32_t options) {
    return generation->write(handle, options, BAD_POINTER, UINT32_MAX, BAD_POINTER, UINT32_MAX);
}

static const zx_handle_t bad_array[] = {-1};

TEST_BOTH(channel_write, options_come_before_the_handle) {
    EXPECT_STATUS(write_badly(generation, -1, 1), ZX_ERR_INVALID_ARGS);
}

TEST_BOTH(channel_write, the_handle_comes_before_sizes) {
    EXPECT_STATUS(write_badly(generation, -1, 0), ZX_ERR_BAD_HANDLE);
}

TEST_BOTH(channel_write, the_type_comes_before_the_rights) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t poor = duplicate_without(event, ZX_RIGHT_WRITE);
    EXPECT_STATUS(write_badly(generation, poor, 0), ZX_ERR_WRONG_TYPE);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(channel_write, the_rights_come_before_sizes) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    zx_handle_t no_write = duplicate_without(fixture.near, ZX_RIGHT_WRITE);
    EXPECT_STATUS(write_badly(generation, no_write, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_handle_close(no_write));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_write, sizes_come_before_pointers) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    EXPECT_STATUS(generation->write(fixture.near, 0, BAD_POINTER, UINT32_MAX, BAD_POINTER, 1),
                  ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(generation->write(fixture.near, 0, BAD_POINTER, 1, BAD_POINTER, UINT32_MAX),
                  ZX_ERR_OUT_OF_RANGE);
    CHECK(expect_empty(fixture.far));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_write, pointers_come_before_elements) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    EXPECT_STATUS(generation->write(fixture.near, 0, BAD_POINTER, 1, bad_array, 1),
                  ZX_ERR_INVALID_ARGS);
    CHECK(expect_empty(fixture.far));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_write, elements_come_before_the_closed_peer) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    CHECK(fixture_close_far(&fixture));
    EXPECT_STATUS(generation->write(fixture.near, 0, "x", 1, bad_array, 1), ZX_ERR_BAD_HANDLE);
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_write, pointers_come_before_the_closed_peer) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    CHECK(fixture_close_far(&fixture));
    EXPECT_STATUS(generation->write(fixture.near, 0, BAD_POINTER, 1, NULL, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->write(fixture.near, 0, "x", 1, BAD_POINTER, 1), ZX_ERR_INVALID_ARGS);
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_write, elements_come_before_a_full_queue) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    CHECK(fill_queue(fixture.near));
    EXPECT_STATUS(generation->write(fixture.near, 0, "x", 1, bad_array, 1), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(generation->write(fixture.near, 0, "x", 1, NULL, 0), ZX_ERR_NO_MEMORY);
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_write, the_closed_peer_comes_before_a_full_queue) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    CHECK(fill_queue(fixture.near));
    CHECK(fixture_close_far(&fixture));
    EXPECT_STATUS(generation->write(fixture.near, 0, "x", 1, NULL, 0), ZX_ERR_PEER_CLOSED);
    fixture_destroy(&fixture);
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
            EXPECT_EQUAL(handle_is_valid(event), !generation->discards);
            CHECK(expect_empty(far));
            zx_handle_close_many(kinds + 1, 2);
            zx_handle_close(event);
            EXPECT_OK(zx_handle_close(near));
            EXPECT_OK(zx_handle_close(far));
        }
    }
}
