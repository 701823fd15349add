/* Which error a call with several faults returns: options, the handle (is it one, its type, its
 * rights), sizes, pointers, elements of the array, the state of the channel. */
#include "fixture.h"

static const zx_channel_call_args_t all_bad = {BAD_POINTER, BAD_POINTER, BAD_POINTER, BAD_POINTER,
                                               UINT32_MAX,  UINT32_MAX,  UINT32_MAX,  UINT32_MAX};

/* Calls with these arguments, and nowhere to put the results. */
static zx_status_t call_badly(const struct generation* generation, zx_handle_t handle,
                              uint32_t options, const zx_channel_call_args_t* args) {
    return generation->call(handle, options, 0, args, BAD_POINTER, BAD_POINTER, BAD_POINTER);
}

/* A fault of the handle counts whether the arguments can be read or not. */
static void expect_handle_first(const struct generation* generation, zx_handle_t handle,
                                zx_status_t expected) {
    EXPECT_STATUS(call_badly(generation, handle, 0, &all_bad), expected);
    EXPECT_STATUS(call_badly(generation, handle, 0, BAD_POINTER), expected);
}

TEST_BOTH(channel_call, options_come_before_the_handle) {
    EXPECT_STATUS(call_badly(generation, -1, 1, &all_bad), ZX_ERR_INVALID_ARGS);
}

TEST_BOTH(channel_call, an_invalid_handle_comes_before_all_arguments) {
    CHECK(expect_handle_first(generation, -1, ZX_ERR_BAD_HANDLE));
}

TEST_BOTH(channel_call, the_type_comes_before_the_rights) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t poor = duplicate_without(event, ZX_RIGHTS_IO | ZX_RIGHT_TRANSFER);
    CHECK(expect_handle_first(generation, poor, ZX_ERR_WRONG_TYPE));
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(channel_call, the_rights_come_before_all_arguments) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    zx_handle_t no_read = duplicate_without(fixture.near, ZX_RIGHT_READ);
    CHECK(expect_handle_first(generation, no_read, ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(no_read));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_call, sizes_come_before_pointers) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    zx_channel_call_args_t args = all_bad;
    args.wr_num_handles = 1;
    EXPECT_STATUS(call_badly(generation, fixture.near, 0, &args), ZX_ERR_OUT_OF_RANGE);
    args.wr_num_handles = UINT32_MAX;
    args.wr_num_bytes = 8;
    EXPECT_STATUS(call_badly(generation, fixture.near, 0, &args), ZX_ERR_OUT_OF_RANGE);
    CHECK(expect_empty(fixture.far));
    fixture_destroy(&fixture);
}

static const zx_handle_t bad_array[] = {-1};
static const zx_channel_call_args_t with_bad_element = {
    .wr_bytes = "12345678", .wr_num_bytes = 8, .wr_handles = bad_array, .wr_num_handles = 1};

TEST_BOTH(channel_call, pointers_come_before_elements) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    EXPECT_STATUS(generation->call(fixture.near, 0, 0, &with_bad_element, BAD_POINTER, NULL, NULL),
                  ZX_ERR_INVALID_ARGS);
    CHECK(expect_empty(fixture.far));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_call, elements_come_before_the_closed_peer) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    CHECK(fixture_close_far(&fixture));
    EXPECT_STATUS(generation->call(fixture.near, 0, 0, &with_bad_element, NULL, NULL, NULL),
                  ZX_ERR_BAD_HANDLE);
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_call, pointers_come_before_the_closed_peer) {
    struct fixture fixture;
    zx_channel_call_args_t args = with_bad_element;
    args.wr_num_handles = 0;
    CHECK(fixture_create(&fixture));
    CHECK(fixture_close_far(&fixture));
    EXPECT_STATUS(generation->call(fixture.near, 0, 0, &args, NULL, BAD_POINTER, NULL),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->call(fixture.near, 0, 0, &args, NULL, NULL, NULL),
                  ZX_ERR_PEER_CLOSED);
    fixture_destroy(&fixture);
}
