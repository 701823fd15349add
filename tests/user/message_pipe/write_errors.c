/* Every row of the error table of msgpipe_write, at every kind of end: the status, and that nothing
 * has changed. */
#include "fixture.h"

#include <stdlib.h>

/* --- flags, handle ------------------------------------------------------------------------ */

TEST(mx_msgpipe_write, flags_are_invalid_args_and_handles_stay) {
    static const uint32_t flags[] = {1, 2, 0x80000000, UINT32_MAX};
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        for (size_t i = 0; i < countof(flags); i++) {
            EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, fixture.cargo.handles,
                                           fixture.cargo.count, flags[i]),
                          ERR_INVALID_ARGS);
            EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, NULL, 0, flags[i]),
                          ERR_INVALID_ARGS);
            CHECK(expect_unchanged(&fixture));
        }
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_write, invalid_handle_is_invalid_args_and_handles_stay) {
    const mx_handle_t bad[] = {MX_HANDLE_INVALID, -1, INT32_MIN, INT32_MAX, stale_handle()};
    struct fixture fixture;
    CHECK(fixture_create(&fixture, PLAIN_FIRST));
    for (size_t i = 0; i < countof(bad); i++) {
        EXPECT_STATUS(mx_msgpipe_write(bad[i], "x", 1, fixture.cargo.handles, 3, 0),
                      ERR_INVALID_ARGS);
        EXPECT_STATUS(mx_msgpipe_write(bad[i], "x", 1, NULL, 0, 0), ERR_INVALID_ARGS);
        CHECK(expect_unchanged(&fixture));
    }
    fixture_destroy(&fixture);
}

/* A channel is no message pipe, although the two have much in common; nor is the other way round.
 */
TEST(mx_msgpipe_write, other_object_is_invalid_args_and_handles_stay) {
    struct fixture fixture;
    mx_handle_t event, ends[2];
    CHECK(fixture_create(&fixture, PLAIN_FIRST));
    EXPECT_STATUS(mx_event_create(0, &event), NO_ERROR);
    EXPECT_STATUS(mx_channel_create(0, &ends[0], &ends[1]), NO_ERROR);
    const mx_handle_t others[] = {event, ends[0]};
    for (size_t i = 0; i < countof(others); i++) {
        EXPECT_STATUS(mx_msgpipe_write(others[i], "x", 1, fixture.cargo.handles, 3, 0),
                      ERR_INVALID_ARGS);
        EXPECT_STATUS(mx_msgpipe_write(others[i], "x", 1, NULL, 0, 0), ERR_INVALID_ARGS);
        CHECK(expect_unchanged(&fixture));
    }
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_EQUAL(object_signals(ends[1]), MX_CHANNEL_WRITABLE);
    EXPECT_STATUS(mx_channel_write(fixture.near, 0, "x", 1, NULL, 0), MX_ERR_WRONG_TYPE);
    CHECK(expect_unchanged(&fixture));
    mx_handle_close(event);
    mx_handle_close_many(ends, 2);
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_write, missing_write_right_is_access_denied_and_handles_stay) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        mx_handle_t no_write = duplicate_without(fixture.near, MX_RIGHT_WRITE);
        EXPECT_STATUS(mx_msgpipe_write(no_write, "x", 1, fixture.cargo.handles, 3, 0),
                      ERR_ACCESS_DENIED);
        EXPECT_STATUS(mx_msgpipe_write(no_write, "x", 1, NULL, 0, 0), ERR_ACCESS_DENIED);
        EXPECT_STATUS(mx_handle_close(no_write), NO_ERROR);
        CHECK(expect_unchanged(&fixture));
        fixture_destroy(&fixture);
    }
}

/* --- sizes -------------------------------------------------------------------------------- */

static char large[ZX_CHANNEL_MAX_MSG_BYTES + 1];

TEST(mx_msgpipe_write, too_many_bytes_are_too_big_and_handles_stay) {
    static const uint32_t sizes[] = {ZX_CHANNEL_MAX_MSG_BYTES + 1, 1u << 31, UINT32_MAX};
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        for (size_t i = 0; i < countof(sizes); i++) {
            EXPECT_STATUS(
                mx_msgpipe_write(fixture.near, large, sizes[i], fixture.cargo.handles, 3, 0),
                ERR_TOO_BIG);
            CHECK(expect_unchanged(&fixture));
        }
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_write, too_many_handles_are_too_big_and_handles_stay) {
    static const uint32_t counts[] = {HANDLES_MAX + 1, 1000, 1u << 31, UINT32_MAX};
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        mx_handle_t event, handles[HANDLES_MAX + 1];
        CHECK(fixture_create(&fixture, kind));
        EXPECT_STATUS(mx_event_create(0, &event), NO_ERROR);
        for (size_t i = 0; i < HANDLES_MAX; i++)
            handles[i] = duplicate(event);
        handles[HANDLES_MAX] = fixture.near;
        for (size_t i = 0; i < countof(counts); i++) {
            EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, handles, counts[i], 0),
                          ERR_TOO_BIG);
            CHECK(expect_unchanged(&fixture));
            EXPECT_EQUAL(object_handle_count(event), HANDLES_MAX + 1);
        }
        mx_handle_close_many(handles, HANDLES_MAX);
        mx_handle_close(event);
        fixture_destroy(&fixture);
    }
}

/* --- pointers ----------------------------------------------------------------------------- */

TEST(mx_msgpipe_write, bad_bytes_pointer_is_invalid_args_and_handles_stay) {
    static const uint32_t sizes[] = {1, 64, 4096, ZX_CHANNEL_MAX_MSG_BYTES};
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        for (size_t i = 0; i < BAD_POINTER_COUNT * countof(sizes); i++) {
            void* bytes = bad[i / countof(sizes)];
            uint32_t size = sizes[i % countof(sizes)];
            EXPECT_STATUS(mx_msgpipe_write(fixture.near, bytes, size, fixture.cargo.handles, 3, 0),
                          ERR_INVALID_ARGS);
            EXPECT_STATUS(mx_msgpipe_write(fixture.near, bytes, size, NULL, 0, 0),
                          ERR_INVALID_ARGS);
        }
        CHECK(expect_unchanged(&fixture));
        fixture_destroy(&fixture);
    }
}

/* The buffer is good up to the last byte but one. */
TEST(mx_msgpipe_write, bytes_that_run_into_nothing_are_invalid_args_and_handles_stay) {
    static const uint32_t sizes[] = {2, 65, 4097, ZX_CHANNEL_MAX_MSG_BYTES};
    for (size_t i = 0; i < countof(sizes); i++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, PLAIN_FIRST));
        char* bytes = guarded_buffer(sizes[i] - 1);
        EXPECT(bytes);
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, bytes, sizes[i], fixture.cargo.handles, 3, 0),
                      ERR_INVALID_ARGS);
        CHECK(expect_unchanged(&fixture));
        guarded_buffer_free(bytes, sizes[i] - 1);
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_write, bad_handles_pointer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
            EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, bad[i], 2, 0), ERR_INVALID_ARGS);
        CHECK(expect_unchanged(&fixture));
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_write, a_handle_array_that_runs_into_nothing_is_invalid_args_and_handles_stay) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, PLAIN_FIRST));
    size_t size = 3 * sizeof(mx_handle_t);
    mx_handle_t* handles = (mx_handle_t*)guarded_buffer(size);
    EXPECT(handles);
    memcpy(handles, fixture.cargo.handles, size);
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, handles, 4, 0), ERR_INVALID_ARGS);
    CHECK(expect_unchanged(&fixture));
    guarded_buffer_free((char*)handles, size);
    fixture_destroy(&fixture);
}

/* --- elements of the array ---------------------------------------------------------------- */

/* Writes the three handles with `odd` before the one at `place`. */
static mx_status_t write_with(const struct fixture* fixture, mx_handle_t odd, uint32_t place) {
    mx_handle_t handles[4];
    for (uint32_t i = 0, next = 0; i < countof(handles); i++)
        handles[i] = i == place ? odd : fixture->cargo.handles[next++];
    return fixture_write(fixture, handles, countof(handles));
}

TEST(mx_msgpipe_write, invalid_element_is_invalid_args_and_all_stay) {
    const mx_handle_t bad[] = {MX_HANDLE_INVALID, -1, INT32_MAX, stale_handle()};
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        for (uint32_t i = 0; i < countof(bad) * 4; i++) {
            EXPECT_STATUS(write_with(&fixture, bad[i / 4], i % 4), ERR_INVALID_ARGS);
            CHECK(expect_unchanged(&fixture));
        }
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_write, repeated_element_is_invalid_args_and_all_stay) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        for (uint32_t i = 0; i < 12; i++) {
            EXPECT_STATUS(write_with(&fixture, fixture.cargo.handles[i / 4], i % 4),
                          ERR_INVALID_ARGS);
            CHECK(expect_unchanged(&fixture));
        }
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_write, element_without_transfer_right_is_access_denied_and_all_stay) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        mx_handle_t event;
        CHECK(fixture_create(&fixture, kind));
        EXPECT_STATUS(mx_event_create(0, &event), NO_ERROR);
        mx_handle_t fixed = duplicate_without(event, MX_RIGHT_TRANSFER);
        for (uint32_t place = 0; place < 4; place++) {
            EXPECT_STATUS(write_with(&fixture, fixed, place), ERR_ACCESS_DENIED);
            CHECK(expect_unchanged(&fixture));
            EXPECT_EQUAL(object_handle_count(event), 2);
        }
        mx_handle_close(fixed);
        mx_handle_close(event);
        fixture_destroy(&fixture);
    }
}

/* --- the pipe itself ---------------------------------------------------------------------- */

TEST(mx_msgpipe_write, a_plain_pipe_itself_is_not_supported_and_all_stay) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        if (kind == REPLY)
            continue;
        CHECK(fixture_create(&fixture, kind));
        for (uint32_t place = 0; place < 4; place++) {
            EXPECT_STATUS(write_with(&fixture, fixture.near, place), ERR_NOT_SUPPORTED);
            CHECK(expect_unchanged(&fixture));
        }
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_write, a_reply_pipe_itself_that_is_not_last_is_bad_state_and_all_stay) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    for (uint32_t place = 0; place < 3; place++) {
        mx_handle_t handles[4];
        for (uint32_t i = 0, next = 0; i < countof(handles); i++)
            handles[i] = i == place ? fixture.near : fixture.cargo.handles[next++];
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, handles, 4, 0), ERR_BAD_STATE);
        CHECK(expect_unchanged(&fixture));
        /* Also if a second handle to it stands in the last place. */
        handles[3] = duplicate(fixture.near);
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, handles, 4, 0), ERR_BAD_STATE);
        EXPECT_STATUS(mx_handle_close(handles[3]), NO_ERROR);
        CHECK(expect_unchanged(&fixture));
    }
    fixture_destroy(&fixture);
}

/* What is wrong with an element comes before the state, wherever it stands. */
TEST(mx_msgpipe_write, faulty_elements_come_before_the_place_of_a_reply_pipe) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    const mx_handle_t fixed = duplicate_without(fixture.cargo.handles[0], MX_RIGHT_TRANSFER);
    const mx_handle_t invalid[] = {fixture.near, stale_handle()};
    const mx_handle_t repeated[] = {fixture.near, fixture.cargo.handles[0], fixture.near};
    const mx_handle_t poor[] = {fixture.near, fixed};
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, invalid, 2, 0), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, repeated, 3, 0), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, poor, 2, 0), ERR_ACCESS_DENIED);
    EXPECT_STATUS(mx_handle_close(fixed), NO_ERROR);
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_write, a_plain_pipe_in_the_last_place_is_not_supported_and_all_stay) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        if (kind == REPLY)
            continue;
        CHECK(fixture_create(&fixture, kind));
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, &fixture.near, 1, 0),
                      ERR_NOT_SUPPORTED);
        CHECK(expect_unchanged(&fixture));
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_write, another_handle_to_the_same_end_is_not_supported_and_all_stay) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        mx_handle_t copy = duplicate(fixture.near);
        for (uint32_t place = 0; place < 4; place++)
            EXPECT_STATUS(write_with(&fixture, copy, place), ERR_NOT_SUPPORTED);
        EXPECT_STATUS(mx_handle_close(copy), NO_ERROR);
        CHECK(expect_unchanged(&fixture));
        fixture_destroy(&fixture);
    }
}

TEST(mx_msgpipe_write, a_reply_pipe_without_its_handle_is_bad_state_and_all_stay) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    for (uint32_t count = 0; count <= 3; count++) {
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, fixture.cargo.handles, count, 0),
                      ERR_BAD_STATE);
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, NULL, 0, fixture.cargo.handles, count, 0),
                      ERR_BAD_STATE);
        CHECK(expect_unchanged(&fixture));
    }
    fixture_destroy(&fixture);
}

/* Through a second handle: the first is not the one that is written to. */
TEST(mx_msgpipe_write, another_handle_to_the_reply_pipe_in_the_last_place_is_bad_state) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    mx_handle_t copy = duplicate(fixture.near);
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, &copy, 1, 0), ERR_BAD_STATE);
    EXPECT_STATUS(mx_msgpipe_write(copy, "x", 1, &fixture.near, 1, 0), ERR_BAD_STATE);
    EXPECT_EQUAL(handle_rights(copy), PIPE_RIGHTS);
    EXPECT_STATUS(mx_handle_close(copy), NO_ERROR);
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

/* --- the state of the pipe ---------------------------------------------------------------- */

TEST(mx_msgpipe_write, closed_other_side_is_bad_state_and_handles_stay) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, kind));
        EXPECT_STATUS(mx_handle_close(fixture.far), NO_ERROR);
        EXPECT_STATUS(fixture_write(&fixture, fixture.cargo.handles, 3), ERR_BAD_STATE);
        EXPECT_STATUS(fixture_write(&fixture, NULL, 0), ERR_BAD_STATE);
        CHECK(cargo_expect_kept(&fixture.cargo));
        EXPECT_EQUAL(handle_rights(fixture.near), PIPE_RIGHTS);
        EXPECT_EQUAL(object_handle_count(fixture.near), 1);
        EXPECT_EQUAL(object_signals(fixture.near), MX_SIGNAL_PEER_CLOSED);
        fixture.far = MX_HANDLE_INVALID;
        fixture_destroy(&fixture);
    }
}

/* Through a reply pipe each message takes a handle to it along, so each needs a fresh one. */
static mx_status_t write_one(const struct fixture* fixture) {
    if (fixture->kind != REPLY)
        return mx_msgpipe_write(fixture->near, "m", 1, NULL, 0, 0);
    mx_handle_t copy = duplicate(fixture->near);
    mx_status_t status = mx_msgpipe_write(copy, "m", 1, &copy, 1, 0);
    if (status != NO_ERROR)
        mx_handle_close(copy);
    return status;
}

TEST(mx_msgpipe_write, full_queue_is_no_memory_and_handles_stay) {
    FOR_ALL_KINDS(kind) {
        struct fixture fixture;
        uint32_t count = 0, size = 1, room = 1;
        char byte;
        mx_handle_t handle = MX_HANDLE_INVALID;
        mx_status_t status;
        CHECK(fixture_create(&fixture, kind));
        while ((status = write_one(&fixture)) == NO_ERROR)
            count++;
        EXPECT_STATUS(status, ERR_NO_MEMORY);
        EXPECT_EQUAL(count, CHANNEL_MAX_QUEUED_MESSAGES);
        EXPECT_EQUAL(object_signals(fixture.near), 0);
        EXPECT_STATUS(fixture_write(&fixture, fixture.cargo.handles, 3), ERR_NO_MEMORY);
        CHECK(cargo_expect_kept(&fixture.cargo));
        EXPECT_EQUAL(handle_rights(fixture.near), PIPE_RIGHTS);
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, &byte, &size, &handle, &room, 0), NO_ERROR);
        EXPECT_EQUAL(byte, 'm');
        mx_handle_close(handle);
        EXPECT_EQUAL(object_signals(fixture.near), MX_SIGNAL_WRITABLE);
        EXPECT_STATUS(fixture_write(&fixture, fixture.cargo.handles, 3), NO_ERROR);
        CHECK(cargo_expect_travelling(&fixture.cargo));
        fixture_destroy(&fixture);
    }
}
