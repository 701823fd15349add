/* channel_read: every error, and what is taken. */
#include "fixture.h"

#include <magenta/syscalls.h>
#include <magenta/syscalls/msgpipe.h>

/* A channel at whose far end one message waits: "abc" and two handles. */
static void create_with_message(struct fixture* fixture) {
    CHECK(fixture_create(fixture));
    zx_handle_close(fixture->cargo.handles[2]);
    zx_handle_close(fixture->cargo.witnesses[2]);
    fixture->cargo.count = 2;
    EXPECT_OK(zx_channel_write(fixture->near, 0, "abc", 3, fixture->cargo.handles, 2));
}

/* The message of create_with_message still waits, whole. */
static void expect_message(struct fixture* fixture) {
    char bytes[4] = "...";
    uint32_t actual_bytes, actual_handles;
    CHECK(cargo_expect_travelling(&fixture->cargo));
    EXPECT_EQUAL(object_signals(fixture->far), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_channel_read(fixture->far, 0, bytes, fixture->cargo.handles, 3, 2, &actual_bytes,
                              &actual_handles));
    EXPECT_EQUAL(actual_bytes, 3);
    EXPECT_EQUAL(actual_handles, 2);
    EXPECT_STRING(bytes, "abc");
    CHECK(cargo_expect_kept(&fixture->cargo));
    CHECK(expect_empty(fixture->far));
}

TEST_BOTH(channel_read, takes_bytes_and_handles) {
    struct fixture fixture;
    char bytes[4] = "...";
    uint32_t actual_bytes = 0, actual_handles = 0;
    CHECK(create_with_message(&fixture));
    EXPECT_OK(generation->read(fixture.far, 0, bytes, fixture.cargo.handles, 3, 2, &actual_bytes,
                               &actual_handles));
    EXPECT_EQUAL(actual_bytes, 3);
    EXPECT_EQUAL(actual_handles, 2);
    EXPECT_STRING(bytes, "abc");
    CHECK(cargo_expect_kept(&fixture.cargo));
    CHECK(expect_empty(fixture.far));
    fixture_destroy(&fixture);
}

/* --- errors ----------------------------------------------------------------------------------- */

/* A read of the message fails so, and takes nothing of it. */
static void expect_refused(const struct generation* generation, zx_handle_t handle,
                           uint32_t options, zx_status_t expected) {
    char bytes[4] = "...";
    zx_handle_t handles[2] = {7, 7};
    uint32_t actual_bytes = 9, actual_handles = 9;
    EXPECT_STATUS(
        generation->read(handle, options, bytes, handles, 3, 2, &actual_bytes, &actual_handles),
        expected);
    EXPECT_STRING(bytes, "...");
    EXPECT_EQUAL(handles[0], 7);
    EXPECT_EQUAL(handles[1], 7);
    EXPECT_EQUAL(actual_bytes, 9);
    EXPECT_EQUAL(actual_handles, 9);
}

TEST_BOTH(channel_read, unknown_options_are_invalid_args) {
    static const uint32_t unknown[] = {2, 3, 0x80000000, UINT32_MAX};
    struct fixture fixture;
    CHECK(create_with_message(&fixture));
    for (size_t i = 0; i < countof(unknown); i++)
        CHECK(expect_refused(generation, fixture.far, unknown[i], ZX_ERR_INVALID_ARGS));
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_read, invalid_handle_is_bad_handle) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, INT32_MIN, INT32_MAX, stale_handle()};
    for (size_t i = 0; i < countof(bad); i++)
        CHECK(expect_refused(generation, bad[i], 0, ZX_ERR_BAD_HANDLE));
}

TEST_BOTH(channel_read, other_object_is_wrong_type) {
    zx_handle_t others[3];
    EXPECT_OK(zx_event_create(0, &others[0]));
    EXPECT_OK(mx_msgpipe_create(others + 1, 0));
    EXPECT_OK(mx_msgpipe_write(others[1], "abc", 3, NULL, 0, 0));
    for (size_t i = 0; i < countof(others); i++)
        CHECK(expect_refused(generation, others[i], 0, ZX_ERR_WRONG_TYPE));
    EXPECT_EQUAL(object_signals(others[2]), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_handle_close_many(others, countof(others)));
}

TEST_BOTH(channel_read, missing_read_right_is_access_denied) {
    struct fixture fixture;
    CHECK(create_with_message(&fixture));
    zx_handle_t no_read = duplicate_without(fixture.far, ZX_RIGHT_READ);
    CHECK(expect_refused(generation, no_read, 0, ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(no_read));
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_read, nothing_waiting_is_should_wait) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    CHECK(expect_refused(generation, fixture.far, 0, ZX_ERR_SHOULD_WAIT));
    CHECK(expect_empty(fixture.far));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_read, nothing_waiting_and_the_peer_gone_is_peer_closed) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    EXPECT_OK(zx_handle_close(fixture.near));
    fixture.near = ZX_HANDLE_INVALID;
    CHECK(expect_refused(generation, fixture.far, 0, ZX_ERR_PEER_CLOSED));
    EXPECT_EQUAL(object_signals(fixture.far), ZX_CHANNEL_PEER_CLOSED);
    fixture_destroy(&fixture);
}

/* --- their order ------------------------------------------------------------------------------ */

/* Reads with everything else bad. */
static zx_status_t read_badly(const struct generation* generation, zx_handle_t handle,
                              uint32_t options) {
    return generation->read(handle, options, BAD_POINTER, BAD_POINTER, UINT32_MAX, UINT32_MAX,
                            BAD_POINTER, BAD_POINTER);
}

TEST_BOTH(channel_read, options_come_before_the_handle) {
    EXPECT_STATUS(read_badly(generation, -1, 2), ZX_ERR_INVALID_ARGS);
}

TEST_BOTH(channel_read, the_handle_comes_before_pointers) {
    EXPECT_STATUS(read_badly(generation, -1, 0), ZX_ERR_BAD_HANDLE);
}

TEST_BOTH(channel_read, the_type_comes_before_the_rights) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t poor = duplicate_without(event, ZX_RIGHT_READ);
    EXPECT_STATUS(read_badly(generation, poor, 0), ZX_ERR_WRONG_TYPE);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(channel_read, the_rights_come_before_pointers) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    zx_handle_t no_read = duplicate_without(fixture.far, ZX_RIGHT_READ);
    EXPECT_STATUS(read_badly(generation, no_read, 0), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_handle_close(no_read));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_read, pointers_come_before_an_empty_queue) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    EXPECT_STATUS(generation->read(fixture.far, 0, BAD_POINTER, NULL, 1, 0, NULL, NULL),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->read(fixture.far, 0, NULL, BAD_POINTER, 0, 1, NULL, NULL),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->read(fixture.far, 0, NULL, NULL, 0, 0, BAD_POINTER, NULL),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->read(fixture.far, 0, NULL, NULL, 0, 0, NULL, BAD_POINTER),
                  ZX_ERR_INVALID_ARGS);
    fixture_destroy(&fixture);
}

/* --- room and pointers ------------------------------------------------------------------------ */

TEST_BOTH(channel_read, small_buffers_report_the_sizes_and_keep_the_message) {
    static const struct {
        uint32_t bytes, handles;
    } rooms[] = {{0, 0}, {2, 2}, {3, 1}, {3, 0}, {0, 2}, {2, 1}};
    struct fixture fixture;
    CHECK(create_with_message(&fixture));
    for (size_t i = 0; i < countof(rooms); i++) {
        char bytes[3] = "..";
        zx_handle_t handles[2] = {7, 7};
        uint32_t actual_bytes = 0, actual_handles = 0;
        EXPECT_STATUS(generation->read(fixture.far, 0, rooms[i].bytes ? bytes : NULL,
                                       rooms[i].handles ? handles : NULL, rooms[i].bytes,
                                       rooms[i].handles, &actual_bytes, &actual_handles),
                      ZX_ERR_BUFFER_TOO_SMALL);
        EXPECT_EQUAL(actual_bytes, 3);
        EXPECT_EQUAL(actual_handles, 2);
        EXPECT_STRING(bytes, "..");
        EXPECT_EQUAL(handles[0], 7);
    }
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_read, may_discard_drops_what_does_not_fit) {
    struct fixture fixture;
    uint32_t actual_bytes = 0, actual_handles = 0;
    CHECK(create_with_message(&fixture));
    EXPECT_STATUS(generation->read(fixture.far, ZX_CHANNEL_READ_MAY_DISCARD, NULL, NULL, 0, 0,
                                   &actual_bytes, &actual_handles),
                  ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(actual_bytes, 3);
    EXPECT_EQUAL(actual_handles, 2);
    CHECK(cargo_expect_discarded(&fixture.cargo));
    CHECK(expect_empty(fixture.far));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_read, may_discard_keeps_what_fits) {
    struct fixture fixture;
    char bytes[3];
    uint32_t actual_bytes, actual_handles;
    CHECK(create_with_message(&fixture));
    EXPECT_OK(generation->read(fixture.far, ZX_CHANNEL_READ_MAY_DISCARD, bytes,
                               fixture.cargo.handles, 3, 2, &actual_bytes, &actual_handles));
    CHECK(cargo_expect_kept(&fixture.cargo));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_read, sizes_are_stored_only_where_wanted) {
    struct fixture fixture;
    char bytes[4] = "...";
    CHECK(create_with_message(&fixture));
    EXPECT_OK(generation->read(fixture.far, 0, bytes, fixture.cargo.handles, 3, 2, NULL, NULL));
    EXPECT_STRING(bytes, "abc");
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_read, bad_pointers_are_invalid_args_and_keep_the_message) {
    void* bad[BAD_POINTER_COUNT];
    struct fixture fixture;
    char bytes[4] = "...";
    zx_handle_t handles[2] = {7, 7};
    uint32_t actual_bytes = 9, actual_handles = 9;
    bad_pointers_to_write(bad);
    CHECK(create_with_message(&fixture));
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        EXPECT_STATUS(
            generation->read(fixture.far, 0, bad[i], handles, 3, 2, &actual_bytes, &actual_handles),
            ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(
            generation->read(fixture.far, 0, bytes, bad[i], 3, 2, &actual_bytes, &actual_handles),
            ZX_ERR_INVALID_ARGS);
        if (bad[i]) {
            EXPECT_STATUS(
                generation->read(fixture.far, 0, bytes, handles, 3, 2, bad[i], &actual_handles),
                ZX_ERR_INVALID_ARGS);
            EXPECT_STATUS(
                generation->read(fixture.far, 0, bytes, handles, 3, 2, &actual_bytes, bad[i]),
                ZX_ERR_INVALID_ARGS);
        }
        EXPECT_STRING(bytes, "...");
        EXPECT_EQUAL(handles[0], 7);
        EXPECT_EQUAL(actual_bytes, 9);
        EXPECT_EQUAL(actual_handles, 9);
        CHECK(cargo_expect_travelling(&fixture.cargo));
    }
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

/* Nothing would be written there, whatever the room, but the message's handle would arrive. */
TEST_BOTH(channel_read, a_place_above_user_space_is_invalid_args_for_no_bytes_too) {
    static const uint32_t rooms[] = {0, 1, 100, 5000};
    char* const above = (char*)0xffff800000000000;
    zx_handle_t near, far, event, arrived = 7;
    uint32_t size = 9, count = 9;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_channel_write(near, 0, NULL, 0, &event, 1));
    for (size_t i = 0; i < countof(rooms); i++)
        EXPECT_STATUS(generation->read(far, 0, above, &arrived, rooms[i], 1, &size, &count),
                      ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(arrived, 7);
    EXPECT_EQUAL(size, 9);
    EXPECT_EQUAL(count, 9);
    EXPECT_OK(generation->read(far, 0, NULL, &arrived, 0, 1, &size, &count));
    EXPECT_EQUAL(count, 1);
    EXPECT_OK(zx_handle_close(arrived));
    for (size_t i = 0; i < countof(rooms); i++)
        EXPECT_STATUS(generation->read(far, 0, above, &arrived, rooms[i], 1, &size, &count),
                      ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}

/* The large message's buffer ends one byte early: it must stay in the queue, whole. */
TEST_BOTH(channel_read, a_buffer_that_runs_into_nothing_keeps_the_message) {
    static char text[ZX_CHANNEL_MAX_MSG_BYTES];
    static const uint32_t sizes[] = {64, 4096, ZX_CHANNEL_MAX_MSG_BYTES};
    for (size_t i = 0; i < countof(sizes); i++) {
        zx_handle_t near, far;
        uint32_t actual;
        memset(text, 'a' + (int)i, sizes[i]);
        EXPECT_OK(zx_channel_create(0, &near, &far));
        EXPECT_OK(zx_channel_write(near, 0, text, sizes[i], NULL, 0));
        char* buffer = guarded_buffer(sizes[i] - 1);
        EXPECT(buffer);
        EXPECT_STATUS(generation->read(far, 0, buffer, NULL, sizes[i], 0, &actual, NULL),
                      ZX_ERR_INVALID_ARGS);
        guarded_buffer_free(buffer, sizes[i] - 1);
        memset(text, 0, sizes[i]);
        EXPECT_OK(generation->read(far, 0, text, NULL, sizes[i], 0, &actual, NULL));
        EXPECT_EQUAL(actual, sizes[i]);
        EXPECT_EQUAL(text[0], 'a' + (int)i);
        EXPECT_EQUAL(text[sizes[i] - 1], 'a' + (int)i);
        EXPECT_OK(zx_handle_close(near));
        EXPECT_OK(zx_handle_close(far));
    }
}

/* Whether the page that is used is there already must make no difference. */
TEST_BOTH(channel_read, only_the_room_that_the_message_needs_must_be_good) {
    static const uint32_t sizes[] = {16, 3000};
    struct fixture fixture;
    static char sent[3000];
    memset(sent, 7, sizeof(sent));
    CHECK(fixture_create(&fixture));
    for (size_t i = 0; i < countof(sizes); i++) {
        char* buffer = guarded_buffer(PAGE_SIZE_BYTES);
        EXPECT(buffer);
        for (int is_present = 0; is_present < 2; is_present++) {
            uint32_t size = 0, count = 5;
            EXPECT_OK(zx_channel_write(fixture.near, 0, sent, sizes[i], NULL, 0));
            EXPECT_OK(generation->read(fixture.far, 0, buffer, NULL, 3 * PAGE_SIZE_BYTES, 0, &size,
                                       &count));
            EXPECT_EQUAL(size, sizes[i]);
            EXPECT_EQUAL(count, 0);
            EXPECT_BYTES(buffer, sent, sizes[i]);
        }
        guarded_buffer_free(buffer, PAGE_SIZE_BYTES);
    }
    fixture_destroy(&fixture);
}

/* --- signals ---------------------------------------------------------------------------------- */

TEST_BOTH(channel_read, signals_follow_the_queue) {
    zx_handle_t near, far;
    char byte;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_channel_write(near, 0, "1", 1, NULL, 0));
    EXPECT_OK(zx_channel_write(near, 0, "2", 1, NULL, 0));
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    EXPECT_EQUAL(object_signals(near), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(generation->read(far, 0, &byte, NULL, 1, 0, NULL, NULL));
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    EXPECT_OK(generation->read(far, 0, &byte, NULL, 1, 0, NULL, NULL));
    CHECK(expect_empty(far));
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}
