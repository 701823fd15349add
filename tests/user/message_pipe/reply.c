/* Reply pipes: whatever is written through one takes its own handle along. */
#include "fixture.h"

#include <threads.h>
#include <zircon/threads.h>

static int wait_for_message(void* handle) {
    return mx_handle_wait_one(*(mx_handle_t*)handle, MX_SIGNAL_READABLE, MX_TIME_INFINITE, NULL);
}

TEST(mx_msgpipe_reply, the_handle_travels_in_its_own_message) {
    struct fixture fixture;
    char byte = 0;
    mx_handle_t handles[4];
    uint32_t size = 1, count = 4;
    CHECK(fixture_create(&fixture, REPLY));
    zx_koid_t koid = handle_koid(fixture.near);
    EXPECT_STATUS(fixture_write(&fixture, fixture.cargo.handles, 3), NO_ERROR);
    EXPECT(!handle_is_valid(fixture.near));
    CHECK(cargo_expect_travelling(&fixture.cargo));
    EXPECT_EQUAL(object_signals(fixture.far), MX_SIGNAL_READABLE | MX_SIGNAL_WRITABLE);

    EXPECT_STATUS(mx_msgpipe_read(fixture.far, &byte, &size, handles, &count, 0), NO_ERROR);
    EXPECT_EQUAL(byte, 'x');
    EXPECT_EQUAL(count, 4);
    EXPECT_EQUAL(handle_koid(handles[3]), koid);
    EXPECT_EQUAL(handle_rights(handles[3]), PIPE_RIGHTS);
    EXPECT(handles[3] != fixture.near);
    fixture.near = handles[3];
    memcpy(fixture.cargo.handles, handles, sizeof(fixture.cargo.handles[0]) * 3);
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

/* Request and reply as they were meant: each side has the pipe when it is its turn to write. */
TEST(mx_msgpipe_reply, goes_to_and_fro) {
    struct fixture fixture;
    mx_handle_t handle;
    CHECK(fixture_create(&fixture, REPLY));
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t value = 0, size = sizeof(value), count = 1;
        EXPECT_STATUS(mx_msgpipe_write(fixture.far, &i, sizeof(i), NULL, 0, 0), NO_ERROR);
        EXPECT_STATUS(mx_msgpipe_read(fixture.near, &value, &size, NULL, NULL, 0), NO_ERROR);
        EXPECT_EQUAL(value, i);
        EXPECT_STATUS(mx_msgpipe_write(fixture.near, &value, size, &fixture.near, 1, 0), NO_ERROR);
        EXPECT_STATUS(mx_msgpipe_read(fixture.far, &value, &size, &handle, &count, 0), NO_ERROR);
        EXPECT_EQUAL(value, i);
        EXPECT_EQUAL(count, 1);
        fixture.near = handle;
    }
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_reply, sixty_three_handles_and_its_own_fit) {
    struct fixture fixture;
    struct cargo cargo;
    mx_handle_t handles[HANDLES_MAX];
    uint32_t count = HANDLES_MAX;
    CHECK(fixture_create(&fixture, REPLY));
    CHECK(cargo_create(&cargo, HANDLES_MAX - 1));
    EXPECT_STATUS(fixture_write(&fixture, cargo.handles, HANDLES_MAX - 1), NO_ERROR);
    char byte;
    uint32_t size = 1;
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, &byte, &size, handles, &count, 0), NO_ERROR);
    EXPECT_EQUAL(count, HANDLES_MAX);
    fixture.near = handles[HANDLES_MAX - 1];
    memcpy(cargo.handles, handles, sizeof(handles[0]) * (HANDLES_MAX - 1));
    CHECK(cargo_expect_kept(&cargo));
    cargo_destroy(&cargo);
    fixture_destroy(&fixture);
}

/* The rights of a handle that travels in its own message are its own, too. */
TEST(mx_msgpipe_reply, a_handle_without_transfer_right_cannot_be_written_through) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    mx_handle_t fixed = duplicate_without(fixture.near, MX_RIGHT_TRANSFER);
    EXPECT_STATUS(mx_msgpipe_write(fixed, "x", 1, &fixed, 1, 0), ERR_ACCESS_DENIED);
    EXPECT(handle_is_valid(fixed));
    EXPECT_STATUS(mx_handle_close(fixed), NO_ERROR);
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_reply, other_end_may_still_write_while_the_handle_travels) {
    struct fixture fixture;
    mx_handle_t handle;
    char byte = 0;
    uint32_t size = 1, count = 1;
    CHECK(fixture_create(&fixture, REPLY));
    EXPECT_STATUS(fixture_write(&fixture, NULL, 0), NO_ERROR);
    EXPECT_STATUS(mx_msgpipe_write(fixture.far, "w", 1, NULL, 0, 0), NO_ERROR);
    EXPECT_STATUS(mx_msgpipe_read(fixture.far, &byte, &size, &handle, &count, 0), NO_ERROR);
    EXPECT_STATUS(mx_msgpipe_read(handle, &byte, &size, NULL, NULL, 0), NO_ERROR);
    EXPECT_EQUAL(byte, 'w');
    fixture.near = handle;
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

/* A handle that is waited on and written through counts as closed. */
TEST(mx_msgpipe_reply, writing_ends_a_wait_on_the_handle) {
    struct fixture fixture;
    thrd_t thread;
    int status;
    CHECK(fixture_create(&fixture, REPLY));
    EXPECT_EQUAL(thrd_create(&thread, wait_for_message, &fixture.near), thrd_success);
    wait_until_blocked(thrd_get_zx_handle(thread));
    EXPECT_STATUS(fixture_write(&fixture, NULL, 0), NO_ERROR);
    EXPECT_EQUAL(thrd_join(thread, &status), thrd_success);
    EXPECT_STATUS(status, ERR_HANDLE_CLOSED);
    fixture_destroy(&fixture);
}

/* --- memory ------------------------------------------------------------------------------- */

TEST(mx_msgpipe_reply, dies_unread_with_the_other_end) {
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 100; i++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, REPLY));
        EXPECT_STATUS(fixture_write(&fixture, fixture.cargo.handles, 3), NO_ERROR);
        EXPECT_STATUS(mx_handle_close(fixture.far), NO_ERROR);
        CHECK(cargo_expect_discarded(&fixture.cargo));
        cargo_destroy(&fixture.cargo);
    }
    CHECK(expect_no_leak(&before, 8));
}

/* Both ends wait in a queue that nobody can reach any more: the collector finds them. */
TEST(mx_msgpipe_reply, both_ends_in_one_message_are_collected) {
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 100; i++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture, REPLY));
        const mx_handle_t handles[] = {fixture.cargo.handles[0], fixture.far};
        EXPECT_STATUS(fixture_write(&fixture, handles, 2), NO_ERROR);
        EXPECT(!handle_is_valid(fixture.near));
        EXPECT(!handle_is_valid(fixture.far));
        EXPECT(wait_for(fixture.cargo.witnesses[0], MX_CHANNEL_PEER_CLOSED, MX_SEC(60)));
        mx_handle_close_many(fixture.cargo.handles + 1, 2);
        CHECK(cargo_expect_discarded(&fixture.cargo));
        cargo_destroy(&fixture.cargo);
    }
    CHECK(expect_no_leak(&before, 8));
}

/* A ring of pipes, each of which has the next one's ends in its queue. */
TEST(mx_msgpipe_reply, rings_of_pipes_and_channels_are_collected) {
    enum { SIZE = 6 };
    zx_info_kernel_memory_t before = kernel_memory();
    for (int round = 0; round < 50; round++) {
        mx_handle_t near[SIZE], far[SIZE];
        for (int i = 0; i < SIZE; i++) {
            mx_handle_t ends[2];
            if (i % 2)
                EXPECT_STATUS(mx_channel_create(0, &ends[0], &ends[1]), NO_ERROR);
            else
                EXPECT_STATUS(mx_msgpipe_create(ends, 0), NO_ERROR);
            near[i] = ends[0];
            far[i] = ends[1];
        }
        for (int i = 0; i < SIZE; i++) {
            mx_handle_t* sent = &far[(i + 1) % SIZE];
            mx_status_t status = i % 2 ? mx_channel_write(near[i], 0, "r", 1, sent, 1)
                                       : mx_msgpipe_write(near[i], "r", 1, sent, 1, 0);
            EXPECT_STATUS(status, NO_ERROR);
        }
        EXPECT_STATUS(mx_handle_close_many(near, SIZE), NO_ERROR);
    }
    CHECK(expect_no_leak(&before, 8));
}

TEST(mx_msgpipe, a_chain_of_10000_is_released_from_one_end) {
    mx_handle_t ends[2], inner, outer;
    zx_info_kernel_memory_t before = kernel_memory();
    EXPECT_STATUS(mx_msgpipe_create(ends, 0), NO_ERROR);
    inner = ends[0];
    outer = ends[1];
    for (int i = 0; i < 10000; i++) {
        EXPECT_STATUS(mx_msgpipe_create(ends, 0), NO_ERROR);
        EXPECT_STATUS(mx_msgpipe_write(ends[0], NULL, 0, &outer, 1, 0), NO_ERROR);
        EXPECT_STATUS(mx_handle_close(ends[0]), NO_ERROR);
        outer = ends[1];
    }
    EXPECT_EQUAL(object_signals(inner), MX_SIGNAL_WRITABLE);
    EXPECT_STATUS(mx_handle_close(outer), NO_ERROR);
    EXPECT(wait_for(inner, MX_SIGNAL_PEER_CLOSED, MX_SEC(10)));
    EXPECT_STATUS(mx_handle_close(inner), NO_ERROR);
    CHECK(expect_no_leak(&before, 8));
}
