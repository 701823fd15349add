/* channel_read, which is the same call in both generations. */
#include "fixture.h"

#include <magenta/syscalls.h>

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

TEST(zx_channel_read, takes_bytes_and_handles) {
    struct fixture fixture;
    CHECK(create_with_message(&fixture));
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_channel_read, takes_bytes_and_handles) {
    mx_handle_t near, far, event, arrived;
    char byte;
    uint32_t bytes, handles;
    EXPECT_STATUS(mx_channel_create(0, &near, &far), MX_OK);
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    EXPECT_STATUS(mx_channel_write(near, 0, "m", 1, &event, 1), MX_OK);
    EXPECT_STATUS(mx_channel_read(far, 0, &byte, &arrived, 1, 1, &bytes, &handles), MX_OK);
    EXPECT_EQUAL(byte, 'm');
    EXPECT_EQUAL(bytes, 1);
    EXPECT_EQUAL(handles, 1);
    const mx_handle_t all[] = {near, far, arrived};
    EXPECT_STATUS(mx_handle_close_many(all, countof(all)), MX_OK);
}

TEST(zx_channel_read, unknown_options_are_invalid_args) {
    struct fixture fixture;
    char bytes[3];
    zx_handle_t handles[2];
    uint32_t actual;
    CHECK(create_with_message(&fixture));
    EXPECT_STATUS(zx_channel_read(fixture.far, 2, bytes, handles, 3, 2, &actual, &actual),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_channel_read(stale_handle(), 2, bytes, handles, 3, 2, &actual, &actual),
                  ZX_ERR_INVALID_ARGS);
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

TEST(zx_channel_read, faults_of_the_handle_are_told_in_order) {
    struct fixture fixture;
    zx_handle_t event;
    char byte;
    uint32_t actual;
    CHECK(create_with_message(&fixture));
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t no_read = duplicate_without(fixture.far, ZX_RIGHT_READ);
    zx_handle_t poor_event = duplicate_without(event, ZX_RIGHT_READ);
    EXPECT_STATUS(zx_channel_read(0, 0, &byte, NULL, 1, 0, &actual, &actual), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_channel_read(stale_handle(), 0, &byte, NULL, 1, 0, &actual, &actual),
                  ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_channel_read(poor_event, 0, &byte, NULL, 1, 0, &actual, &actual),
                  ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_channel_read(no_read, 0, &byte, NULL, 1, 0, &actual, &actual),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_handle_close(no_read));
    EXPECT_OK(zx_handle_close(poor_event));
    EXPECT_OK(zx_handle_close(event));
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

TEST(zx_channel_read, small_buffers_report_the_sizes_and_keep_the_message) {
    static const struct {
        uint32_t bytes, handles;
    } rooms[] = {{0, 0}, {2, 2}, {3, 1}, {3, 0}, {0, 2}, {2, 1}};
    struct fixture fixture;
    CHECK(create_with_message(&fixture));
    for (size_t i = 0; i < countof(rooms); i++) {
        char bytes[3] = "..";
        zx_handle_t handles[2] = {7, 7};
        uint32_t actual_bytes = 0, actual_handles = 0;
        EXPECT_STATUS(zx_channel_read(fixture.far, 0, rooms[i].bytes ? bytes : NULL,
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

TEST(zx_channel_read, may_discard_drops_what_does_not_fit) {
    struct fixture fixture;
    uint32_t actual_bytes = 0, actual_handles = 0;
    CHECK(create_with_message(&fixture));
    EXPECT_STATUS(zx_channel_read(fixture.far, ZX_CHANNEL_READ_MAY_DISCARD, NULL, NULL, 0, 0,
                                  &actual_bytes, &actual_handles),
                  ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(actual_bytes, 3);
    EXPECT_EQUAL(actual_handles, 2);
    CHECK(cargo_expect_discarded(&fixture.cargo));
    CHECK(expect_empty(fixture.far));
    fixture_destroy(&fixture);
}

TEST(zx_channel_read, may_discard_keeps_what_fits) {
    struct fixture fixture;
    char bytes[3];
    uint32_t actual_bytes, actual_handles;
    CHECK(create_with_message(&fixture));
    EXPECT_OK(zx_channel_read(fixture.far, ZX_CHANNEL_READ_MAY_DISCARD, bytes,
                              fixture.cargo.handles, 3, 2, &actual_bytes, &actual_handles));
    CHECK(cargo_expect_kept(&fixture.cargo));
    fixture_destroy(&fixture);
}

TEST(zx_channel_read, sizes_are_told_only_where_wanted) {
    struct fixture fixture;
    char bytes[4] = "...";
    CHECK(create_with_message(&fixture));
    EXPECT_OK(zx_channel_read(fixture.far, 0, bytes, fixture.cargo.handles, 3, 2, NULL, NULL));
    EXPECT_STRING(bytes, "abc");
    fixture_destroy(&fixture);
}

TEST(zx_channel_read, bad_pointers_are_invalid_args_and_keep_the_message) {
    void* bad[BAD_POINTER_COUNT];
    struct fixture fixture;
    char bytes[4] = "...";
    zx_handle_t handles[2] = {7, 7};
    uint32_t actual_bytes = 9, actual_handles = 9;
    bad_pointers_to_write(bad);
    CHECK(create_with_message(&fixture));
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        EXPECT_STATUS(
            zx_channel_read(fixture.far, 0, bad[i], handles, 3, 2, &actual_bytes, &actual_handles),
            ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(
            zx_channel_read(fixture.far, 0, bytes, bad[i], 3, 2, &actual_bytes, &actual_handles),
            ZX_ERR_INVALID_ARGS);
        if (bad[i]) {
            EXPECT_STATUS(
                zx_channel_read(fixture.far, 0, bytes, handles, 3, 2, bad[i], &actual_handles),
                ZX_ERR_INVALID_ARGS);
            EXPECT_STATUS(
                zx_channel_read(fixture.far, 0, bytes, handles, 3, 2, &actual_bytes, bad[i]),
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

/* The large message's buffer ends one byte early: it must stay in the queue, whole. */
TEST(zx_channel_read, a_buffer_that_runs_into_nothing_keeps_the_message) {
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
        EXPECT_STATUS(zx_channel_read(far, 0, buffer, NULL, sizes[i], 0, &actual, NULL),
                      ZX_ERR_INVALID_ARGS);
        guarded_buffer_free(buffer, sizes[i] - 1);
        memset(text, 0, sizes[i]);
        EXPECT_OK(zx_channel_read(far, 0, text, NULL, sizes[i], 0, &actual, NULL));
        EXPECT_EQUAL(actual, sizes[i]);
        EXPECT_EQUAL(text[0], 'a' + (int)i);
        EXPECT_EQUAL(text[sizes[i] - 1], 'a' + (int)i);
        EXPECT_OK(zx_handle_close(near));
        EXPECT_OK(zx_handle_close(far));
    }
}

/* Whether the page that is used is there already must make no difference. */
TEST(zx_channel_read, only_the_room_that_the_message_needs_must_be_good) {
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
            EXPECT_OK(zx_channel_read(fixture.far, 0, buffer, NULL, 3 * PAGE_SIZE_BYTES, 0, &size,
                                      &count));
            EXPECT_EQUAL(size, sizes[i]);
            EXPECT_EQUAL(count, 0);
            EXPECT_BYTES(buffer, sent, sizes[i]);
        }
        guarded_buffer_free(buffer, PAGE_SIZE_BYTES);
    }
    fixture_destroy(&fixture);
}

TEST(zx_channel_read, signals_follow_the_queue) {
    zx_handle_t near, far;
    char byte;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_channel_write(near, 0, "1", 1, NULL, 0));
    EXPECT_OK(zx_channel_write(near, 0, "2", 1, NULL, 0));
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    EXPECT_EQUAL(object_signals(near), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_channel_read(far, 0, &byte, NULL, 1, 0, NULL, NULL));
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_channel_read(far, 0, &byte, NULL, 1, 0, NULL, NULL));
    CHECK(expect_empty(far));
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}
