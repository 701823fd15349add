/* msgpipe_read: sizes go in and out through the pointers. */
#include "fixture.h"

/* A pipe at whose far end one message waits: "abc" and the cargo. */
static void create_with_message(struct fixture* fixture) {
    CHECK(fixture_create(fixture, PLAIN_FIRST));
    EXPECT_STATUS(mx_msgpipe_write(fixture->near, "abc", 3, fixture->cargo.handles, 3, 0),
                  NO_ERROR);
}

/* The message of create_with_message still waits, whole. */
static void expect_message(struct fixture* fixture) {
    char bytes[6] = ".....";
    uint32_t num_bytes = 5, num_handles = 3;
    CHECK(cargo_expect_travelling(&fixture->cargo));
    EXPECT_EQUAL(object_signals(fixture->far), MX_SIGNAL_READABLE | MX_SIGNAL_WRITABLE);
    EXPECT_STATUS(
        mx_msgpipe_read(fixture->far, bytes, &num_bytes, fixture->cargo.handles, &num_handles, 0),
        NO_ERROR);
    EXPECT_EQUAL(num_bytes, 3);
    EXPECT_EQUAL(num_handles, 3);
    EXPECT_STRING(bytes, "abc..");
    CHECK(cargo_expect_kept(&fixture->cargo));
    CHECK(expect_empty(fixture->far));
}

TEST(mx_msgpipe_read, takes_bytes_and_handles) {
    struct fixture fixture;
    CHECK(create_with_message(&fixture));
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_read, messages_are_whole_and_in_order) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, PLAIN_FIRST));
    for (uint32_t i = 0; i < 1000; i++)
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, &i, sizeof(i), NULL, 0, 0), NO_ERROR);
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t value, size = sizeof(value), room = 0;
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, &value, &size, NULL, i % 2 ? &room : NULL, 0),
                      NO_ERROR);
        EXPECT_EQUAL(value, i);
        EXPECT_EQUAL(size, sizeof(value));
    }
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_read, messages_of_all_sizes_arrive_whole) {
    static const uint32_t sizes[] = {0,   1,    7,    63,   64,   65,    240,  241,
                                     256, 1000, 4095, 4096, 4097, 65535, 65536};
    static unsigned char sent[ZX_CHANNEL_MAX_MSG_BYTES], got[ZX_CHANNEL_MAX_MSG_BYTES + 1];
    struct fixture fixture;
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (unsigned char)(i * 7 + i / 256);
    CHECK(fixture_create(&fixture, PLAIN_FIRST));
    for (size_t i = 0; i < countof(sizes); i++) {
        uint32_t size = sizeof(got), count = 0;
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, sizes[i] ? sent : NULL, sizes[i], NULL, 0, 0),
                      NO_ERROR);
        memset(got, 0xee, sizeof(got));
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, got, &size, NULL, &count, 0), NO_ERROR);
        EXPECT_EQUAL(size, sizes[i]);
        EXPECT_EQUAL(count, 0);
        EXPECT_BYTES(got, sent, sizes[i]);
        EXPECT_EQUAL(got[sizes[i]], 0xee);
    }
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_read, up_to_64_handles_arrive_in_order_with_rights_and_new_values) {
    static const uint32_t counts[] = {0, 1, 2, 63, 64};
    for (size_t i = 0; i < countof(counts); i++) {
        struct fixture fixture;
        struct cargo cargo;
        mx_handle_t got[HANDLES_MAX];
        uint32_t count = HANDLES_MAX;
        CHECK(fixture_create(&fixture, PLAIN_SECOND));
        CHECK(cargo_create(&cargo, counts[i]));
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, NULL, 0, cargo.handles, counts[i], 0),
                      NO_ERROR);
        CHECK(cargo_expect_travelling(&cargo));
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, NULL, NULL, got, &count, 0), NO_ERROR);
        EXPECT_EQUAL(count, counts[i]);
        for (uint32_t k = 0; k < count; k++)
            EXPECT(got[k] != cargo.handles[k]);
        memcpy(cargo.handles, got, count * sizeof(got[0]));
        CHECK(cargo_expect_kept(&cargo));
        cargo_destroy(&cargo);
        fixture_destroy(&fixture);
    }
}

/* --- too little room ---------------------------------------------------------------------- */

static const struct {
    uint32_t bytes, handles;
} small_rooms[] = {{0, 0}, {2, 3}, {3, 2}, {3, 0}, {0, 3}, {2, 2}};

TEST(mx_msgpipe_read, small_buffers_report_the_sizes_and_keep_the_message) {
    struct fixture fixture;
    CHECK(create_with_message(&fixture));
    for (size_t i = 0; i < countof(small_rooms); i++) {
        char bytes[4] = "...";
        mx_handle_t handles[3] = {7, 7, 7};
        uint32_t num_bytes = small_rooms[i].bytes, num_handles = small_rooms[i].handles;
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, num_bytes ? bytes : NULL, &num_bytes,
                                      num_handles ? handles : NULL, &num_handles, 0),
                      ERR_NOT_ENOUGH_BUFFER);
        EXPECT_EQUAL(num_bytes, 3);
        EXPECT_EQUAL(num_handles, 3);
        EXPECT_STRING(bytes, "...");
        for (int k = 0; k < 3; k++)
            EXPECT_EQUAL(handles[k], 7);
    }
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_read, may_discard_reports_the_sizes_and_drops_the_message) {
    for (size_t i = 0; i < countof(small_rooms); i++) {
        struct fixture fixture;
        char bytes[4] = "...";
        mx_handle_t handles[3] = {7, 7, 7};
        uint32_t num_bytes = small_rooms[i].bytes, num_handles = small_rooms[i].handles;
        CHECK(create_with_message(&fixture));
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, bytes, &num_bytes, handles, &num_handles,
                                      MX_MSGPIPE_READ_FLAG_MAY_DISCARD),
                      ERR_NOT_ENOUGH_BUFFER);
        EXPECT_EQUAL(num_bytes, 3);
        EXPECT_EQUAL(num_handles, 3);
        EXPECT_STRING(bytes, "...");
        EXPECT_EQUAL(handles[0], 7);
        CHECK(cargo_expect_discarded(&fixture.cargo));
        CHECK(expect_empty(fixture.far));
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_read, may_discard_keeps_what_fits) {
    struct fixture fixture;
    char bytes[3];
    uint32_t num_bytes = 3, num_handles = 3;
    CHECK(create_with_message(&fixture));
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, bytes, &num_bytes, fixture.cargo.handles,
                                  &num_handles, MX_MSGPIPE_READ_FLAG_MAY_DISCARD),
                  NO_ERROR);
    EXPECT_BYTES(bytes, "abc", 3);
    CHECK(cargo_expect_kept(&fixture.cargo));
    fixture_destroy(&fixture);
}

/* Without a pointer to the size there is no room, and no size is stored. */
TEST(mx_msgpipe_read, a_size_without_a_place_is_no_room) {
    struct fixture fixture;
    char bytes[4] = "...";
    mx_handle_t handles[3] = {7, 7, 7};
    uint32_t num_bytes = 3, num_handles = 3;
    CHECK(create_with_message(&fixture));
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, bytes, NULL, handles, &num_handles, 0),
                  ERR_NOT_ENOUGH_BUFFER);
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, bytes, &num_bytes, handles, NULL, 0),
                  ERR_NOT_ENOUGH_BUFFER);
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, bytes, NULL, handles, NULL, 0),
                  ERR_NOT_ENOUGH_BUFFER);
    EXPECT_EQUAL(num_bytes, 3);
    EXPECT_EQUAL(num_handles, 3);
    EXPECT_STRING(bytes, "...");
    EXPECT_EQUAL(handles[0], 7);
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

/* --- what waits --------------------------------------------------------------------------- */

/* A read fails so, and stores nothing. */
static void expect_no_message(mx_handle_t end, mx_status_t expected) {
    char bytes[2] = ".";
    uint32_t num_bytes = 1, num_handles = 4;
    mx_handle_t handles[4] = {7, 7, 7, 7};
    EXPECT_STATUS(mx_msgpipe_read(end, bytes, &num_bytes, handles, &num_handles, 0), expected);
    EXPECT_STRING(bytes, ".");
    EXPECT_EQUAL(num_bytes, 1);
    EXPECT_EQUAL(num_handles, 4);
    EXPECT_EQUAL(handles[0], 7);
}

TEST(mx_msgpipe_read, nothing_waiting_is_should_wait) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        CHECK(expect_no_message(fixture.far, ERR_SHOULD_WAIT));
        CHECK(expect_unchanged(&fixture));
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_read, nothing_waiting_and_the_other_side_gone_is_remote_closed) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        EXPECT_STATUS(mx_handle_close(fixture.near), NO_ERROR);
        fixture.near = MX_HANDLE_INVALID;
        CHECK(expect_no_message(fixture.far, ERR_REMOTE_CLOSED));
        EXPECT_EQUAL(object_signals(fixture.far), MX_SIGNAL_PEER_CLOSED);
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_read, what_was_written_before_the_other_side_went_stays_readable) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        char bytes[2] = ".";
        uint32_t num_bytes = 1, num_handles = 4;
        mx_handle_t handles[4] = {7, 7, 7, 7};
        CHECK(fixture_create(&fixture, kind));
        EXPECT_STATUS(fixture_write(&fixture, fixture.cargo.handles, 3), NO_ERROR);
        mx_handle_close(fixture.near); /* a reply pipe's has gone already */
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, bytes, &num_bytes, handles, &num_handles, 0),
                      NO_ERROR);
        EXPECT_STRING(bytes, "x");
        EXPECT_EQUAL(num_handles, kind == REPLY ? 4 : 3);
        memcpy(fixture.cargo.handles, handles, 3 * sizeof(handles[0]));
        CHECK(cargo_expect_kept(&fixture.cargo));
        if (kind == REPLY)
            EXPECT_STATUS(mx_handle_close(handles[3]), NO_ERROR);
        CHECK(expect_no_message(fixture.far, ERR_REMOTE_CLOSED));
        EXPECT_EQUAL(object_signals(fixture.far), MX_SIGNAL_PEER_CLOSED);
        fixture.near = MX_HANDLE_INVALID;
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_read, signals_follow_the_queue) {
    struct fixture fixture;
    char byte;
    uint32_t size = 1;
    CHECK(fixture_create(&fixture, PLAIN_FIRST));
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, "1", 1, NULL, 0, 0), NO_ERROR);
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, "2", 1, NULL, 0, 0), NO_ERROR);
    EXPECT_EQUAL(object_signals(fixture.far), MX_SIGNAL_READABLE | MX_SIGNAL_WRITABLE);
    EXPECT_EQUAL(object_signals(fixture.near), MX_SIGNAL_WRITABLE);
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, &byte, &size, NULL, NULL, 0), NO_ERROR);
    EXPECT_EQUAL(object_signals(fixture.far), MX_SIGNAL_READABLE | MX_SIGNAL_WRITABLE);
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, &byte, &size, NULL, NULL, 0), NO_ERROR);
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

/* --- errors ------------------------------------------------------------------------------- */

TEST(mx_msgpipe_read, unknown_flags_are_invalid_args_and_keep_the_message) {
    static const uint32_t flags[] = {2, 3, 0x80000000, UINT32_MAX};
    struct fixture fixture;
    char bytes[4] = "...";
    CHECK(create_with_message(&fixture));
    for (size_t i = 0; i < countof(flags); i++) {
        uint32_t num_bytes = 3, num_handles = 3;
        mx_handle_t handles[3] = {7, 7, 7};
        EXPECT_STATUS(
            mx_msgpipe_read(fixture.far, bytes, &num_bytes, handles, &num_handles, flags[i]),
            ERR_INVALID_ARGS);
        EXPECT_STATUS(mx_msgpipe_read(-1, bytes, &num_bytes, handles, &num_handles, flags[i]),
                      ERR_INVALID_ARGS);
        EXPECT_STRING(bytes, "...");
        EXPECT_EQUAL(handles[0], 7);
        EXPECT_EQUAL(num_bytes, 3);
        EXPECT_EQUAL(num_handles, 3);
    }
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

/* A read through the handle fails so, with good places, with bad ones, and with one bad one.
 * Nothing is stored. Here each fault of the handle has a word of its own. */
static void expect_handle_refused(mx_handle_t handle, mx_status_t expected) {
    char bytes[4] = "...";
    uint32_t num_bytes = 3, num_handles = 3;
    mx_handle_t handles[3] = {7, 7, 7};
    EXPECT_STATUS(mx_msgpipe_read(handle, bytes, &num_bytes, handles, &num_handles, 0), expected);
    EXPECT_STATUS(mx_msgpipe_read(handle, BAD_POINTER, BAD_POINTER, BAD_POINTER, BAD_POINTER, 0),
                  expected);
    EXPECT_STATUS(mx_msgpipe_read(handle, bytes, &num_bytes, handles, BAD_POINTER, 0), expected);
    EXPECT_STRING(bytes, "...");
    EXPECT_EQUAL(num_bytes, 3);
    EXPECT_EQUAL(num_handles, 3);
    EXPECT_EQUAL(handles[0], 7);
}

TEST(mx_msgpipe_read, invalid_handle_is_bad_handle_before_pointers) {
    const mx_handle_t bad[] = {MX_HANDLE_INVALID, -1, INT32_MIN, INT32_MAX, stale_handle()};
    for (size_t i = 0; i < countof(bad); i++)
        CHECK(expect_handle_refused(bad[i], ERR_BAD_HANDLE));
}

TEST(mx_msgpipe_read, other_object_is_wrong_type_before_rights_and_pointers) {
    mx_handle_t event, ends[2];
    EXPECT_STATUS(mx_event_create(0, &event), NO_ERROR);
    EXPECT_STATUS(mx_channel_create(0, &ends[0], &ends[1]), NO_ERROR);
    mx_handle_t poor = duplicate_without(event, MX_RIGHT_READ);
    CHECK(expect_handle_refused(event, ERR_WRONG_TYPE));
    CHECK(expect_handle_refused(poor, ERR_WRONG_TYPE));
    CHECK(expect_handle_refused(ends[0], ERR_WRONG_TYPE));
    const mx_handle_t handles[] = {event, poor, ends[0], ends[1]};
    EXPECT_STATUS(mx_handle_close_many(handles, countof(handles)), NO_ERROR);
}

TEST(mx_msgpipe_read, missing_read_right_is_access_denied_before_pointers) {
    struct fixture fixture;
    CHECK(create_with_message(&fixture));
    mx_handle_t no_read = duplicate_without(fixture.far, MX_RIGHT_READ);
    CHECK(expect_handle_refused(no_read, ERR_ACCESS_DENIED));
    EXPECT_STATUS(mx_handle_close(no_read), NO_ERROR);
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

/* Each place in turn is bad. NULL is a fault only where there is room for something. */
TEST(mx_msgpipe_read, bad_pointers_are_invalid_args_and_keep_the_message) {
    void* bad[BAD_POINTER_COUNT];
    struct fixture fixture;
    bad_pointers_to_write(bad);
    CHECK(create_with_message(&fixture));
    for (size_t i = 0; i < BAD_POINTER_COUNT * 4; i++) {
        char bytes[4] = "...";
        uint32_t num_bytes = 3, num_handles = 3;
        mx_handle_t handles[3] = {7, 7, 7};
        void* places[4] = {bytes, &num_bytes, handles, &num_handles};
        void* pointer = bad[i / 4];
        bool is_size = i % 4 % 2 == 1;
        if (is_size && !pointer)
            continue;
        places[i % 4] = pointer;
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, places[0], places[1], places[2], places[3], 0),
                      ERR_INVALID_ARGS);
        EXPECT_STRING(bytes, "...");
        EXPECT_EQUAL(num_bytes, 3);
        EXPECT_EQUAL(num_handles, 3);
        EXPECT_EQUAL(handles[0], 7);
    }
    CHECK(expect_message(&fixture));
    fixture_destroy(&fixture);
}

/* Bad pointers count before the pipe is found to be empty. */
TEST(mx_msgpipe_read, bad_pointers_at_an_empty_pipe_are_invalid_args) {
    struct fixture fixture;
    uint32_t one = 1, none = 0;
    CHECK(fixture_create(&fixture, PLAIN_FIRST));
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, BAD_POINTER, &one, NULL, &none, 0),
                  ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, NULL, &one, NULL, &none, 0), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, NULL, &none, BAD_POINTER, &one, 0),
                  ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, NULL, &none, NULL, &one, 0), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, NULL, &none, NULL, &none, 0), ERR_SHOULD_WAIT);
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_read, a_buffer_that_runs_into_nothing_keeps_the_message) {
    static char text[ZX_CHANNEL_MAX_MSG_BYTES];
    static const uint32_t sizes[] = {2, 64, 4096, ZX_CHANNEL_MAX_MSG_BYTES};
    for (size_t i = 0; i < countof(sizes); i++) {
        struct fixture fixture;
        uint32_t size = sizes[i];
        CHECK(fixture_create(&fixture, PLAIN_FIRST));
        memset(text, 'a' + (int)i, sizes[i]);
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, text, sizes[i], NULL, 0, 0), NO_ERROR);
        char* buffer = guarded_buffer(sizes[i] - 1);
        EXPECT(buffer);
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, buffer, &size, NULL, NULL, 0), ERR_INVALID_ARGS);
        guarded_buffer_free(buffer, sizes[i] - 1);
        EXPECT_EQUAL(size, sizes[i]);
        memset(text, 0, sizes[i]);
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, text, &size, NULL, NULL, 0), NO_ERROR);
        EXPECT_EQUAL(text[0], 'a' + (int)i);
        EXPECT_EQUAL(text[sizes[i] - 1], 'a' + (int)i);
        CHECK(expect_unchanged(&fixture));
        fixture_destroy(&fixture);
    }
}
