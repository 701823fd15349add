/* The errors of two-phase writing and reading. */
#include "fixture.h"

/* --- beginning -------------------------------------------------------------------------------- */

typedef mx_ssize_t begin_function(mx_handle_t, uint32_t, uintptr_t*);

static void expect_begin_fails(begin_function* begin, const struct pipe* pipe, mx_handle_t handle,
                               uint32_t flags, mx_status_t expected) {
    struct snapshot before;
    uintptr_t address = 77;
    snapshot_take(pipe, &before);
    EXPECT_STATUS((mx_status_t)begin(handle, flags, &address), expected);
    EXPECT_EQUAL(address, 77);
    CHECK(expect_unchanged(pipe, &before));
}

TEST(mx_datapipe_begin_write, the_handle_comes_before_flags) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, 0, 1, ERR_BAD_HANDLE));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.consumer, 1, ERR_WRONG_TYPE));
    CHECK(remove_rights(&pipe.producer, MX_RIGHT_WRITE));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 1, ERR_ACCESS_DENIED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, what_is_no_handle_is_bad_handle) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, -1, 0, ERR_BAD_HANDLE));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, stale_handle(), 0, ERR_BAD_HANDLE));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, what_is_no_producer_is_wrong_type) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.consumer, 0, ERR_WRONG_TYPE));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, missing_write_right_is_access_denied) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(remove_rights(&pipe.producer, MX_RIGHT_WRITE));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 0, ERR_ACCESS_DENIED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_read, what_is_no_handle_is_bad_handle_before_flags) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, -1, 1, ERR_BAD_HANDLE));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, stale_handle(), 0, ERR_BAD_HANDLE));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_read, what_is_no_consumer_is_wrong_type_before_flags) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.producer, 1, ERR_WRONG_TYPE));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.producer, 0, ERR_WRONG_TYPE));
    pipe_destroy(&pipe);
}

/* Without the right, no snapshot can look at what waits. */
TEST(mx_datapipe_begin_read, missing_read_right_is_access_denied_before_flags) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    mx_handle_t consumer = pipe.consumer;
    CHECK(remove_rights(&consumer, MX_RIGHT_READ));
    pipe.consumer = MX_HANDLE_INVALID;
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, consumer, 0, ERR_ACCESS_DENIED));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, consumer, 1, ERR_ACCESS_DENIED));
    EXPECT_OK(mx_handle_close(consumer));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, knows_no_flags) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    for (uint32_t bit = 0; bit < 32; bit++)
        CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 1u << bit,
                                 bit == 0 ? ERR_INVALID_ARGS : ERR_NOT_SUPPORTED));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 3, ERR_NOT_SUPPORTED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_read, knows_no_flags) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, alphabet, ELEMENT));
    for (uint32_t bit = 0; bit < 32; bit++)
        CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.consumer, 1u << bit,
                                 bit < 4 ? ERR_INVALID_ARGS : ERR_NOT_SUPPORTED));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.consumer, 31, ERR_NOT_SUPPORTED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, twice_is_busy) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    EXPECT(begin_write(&pipe, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 0, ERR_BUSY));
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, ELEMENT)); /* the first goes on */
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_read, twice_is_busy) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, alphabet, 2 * ELEMENT));
    EXPECT(begin_read(&pipe, 2 * ELEMENT));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.consumer, 0, ERR_BUSY));
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    CHECK(expect_read(&pipe, alphabet + ELEMENT, ELEMENT));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, full_is_should_wait_and_closed_is_remote_closed) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, alphabet, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 0, ERR_SHOULD_WAIT));
    pipe_close_consumer(&pipe);
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 0, ERR_REMOTE_CLOSED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_read, empty_is_should_wait_and_drained_is_remote_closed) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.consumer, 0, ERR_SHOULD_WAIT));
    CHECK(pipe_fill(&pipe, alphabet, ELEMENT));
    pipe_close_producer(&pipe);
    const char* ring = begin_read(&pipe, ELEMENT);
    EXPECT(ring);
    EXPECT_BYTES(ring, alphabet, ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.consumer, 0, ERR_REMOTE_CLOSED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, bad_addresses_are_invalid_args_before_the_state) {
    struct pipe pipe;
    struct snapshot before;
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, alphabet, ELEMENT));
    snapshot_take(&pipe, &before);
    for (int has_window = 0; has_window < 2; has_window++) {
        for (size_t i = 0; i < countof(bad); i++) {
            EXPECT_STATUS((mx_status_t)mx_datapipe_begin_write(pipe.producer, 0, bad[i]),
                          ERR_INVALID_ARGS);
            EXPECT_STATUS((mx_status_t)mx_datapipe_begin_read(pipe.consumer, 0, bad[i]),
                          ERR_INVALID_ARGS);
        }
        CHECK(expect_unchanged(&pipe, &before));
        EXPECT(begin_write(&pipe, 3 * ELEMENT));
        EXPECT(begin_read(&pipe, ELEMENT));
        EXPECT_STATUS((mx_status_t)mx_datapipe_begin_write(pipe.producer, 0, NULL),
                      ERR_INVALID_ARGS);
        EXPECT_OK(mx_datapipe_end_write(pipe.producer, 0));
        EXPECT_OK(mx_datapipe_end_read(pipe.consumer, 0));
    }
    CHECK(expect_unchanged(&pipe, &before));
    pipe_destroy(&pipe);
}

/* --- ending ----------------------------------------------------------------------------------- */

TEST(mx_datapipe_end_write, without_a_begin_is_bad_state) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, alphabet, ELEMENT));
    snapshot_take(&pipe, &before);
    for (size_t size = 0; size < 10; size++) {
        EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, size), ERR_BAD_STATE);
        EXPECT_STATUS(mx_datapipe_end_read(pipe.consumer, size), ERR_BAD_STATE);
    }
    CHECK(expect_unchanged(&pipe, &before));
    EXPECT(begin_write(&pipe, 3 * ELEMENT));
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 0));
    EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, 0), ERR_BAD_STATE);
    CHECK(expect_unchanged(&pipe, &before));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_end_write, what_is_no_handle_is_bad_handle) {
    EXPECT_STATUS(mx_datapipe_end_write(0, 0), ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_datapipe_end_write(stale_handle(), 0), ERR_BAD_HANDLE);
}

TEST(mx_datapipe_end_read, what_is_no_handle_is_bad_handle) {
    EXPECT_STATUS(mx_datapipe_end_read(0, 0), ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_datapipe_end_read(stale_handle(), 0), ERR_BAD_HANDLE);
}

TEST(mx_datapipe_end_write, what_is_no_producer_is_wrong_type) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    EXPECT_STATUS(mx_datapipe_end_write(pipe.consumer, 0), ERR_WRONG_TYPE);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_end_read, what_is_no_consumer_is_wrong_type) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    EXPECT_STATUS(mx_datapipe_end_read(pipe.producer, 0), ERR_WRONG_TYPE);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_end_write, missing_write_right_is_access_denied) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(remove_rights(&pipe.producer, MX_RIGHT_WRITE));
    EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, 0), ERR_ACCESS_DENIED);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_end_read, missing_read_right_is_access_denied) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(remove_rights(&pipe.consumer, MX_RIGHT_READ));
    EXPECT_STATUS(mx_datapipe_end_read(pipe.consumer, 0), ERR_ACCESS_DENIED);
    pipe_destroy(&pipe);
}

/* Sizes that no end call may take when `offered` bytes were offered. */
static size_t bad_size(size_t index, size_t offered) {
    const size_t sizes[] = {
        1, 3, offered - 1, offered + 1, offered + ELEMENT, SIZE_MAX, SIZE_MAX & ~3ul, 1ul << 63};
    return index < countof(sizes) ? sizes[index] : 0;
}

TEST(mx_datapipe_end_write, too_much_or_part_of_an_element_ends_it_with_nothing_written) {
    size_t size;
    for (size_t i = 0; (size = bad_size(i, 3 * ELEMENT)) != 0; i++) {
        struct pipe pipe;
        struct snapshot before;
        CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
        CHECK(pipe_fill(&pipe, alphabet, ELEMENT));
        snapshot_take(&pipe, &before);
        char* ring = begin_write(&pipe, 3 * ELEMENT);
        EXPECT(ring);
        memset(ring, '!', 3 * ELEMENT);
        EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, size), ERR_INVALID_ARGS);
        EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, 0), ERR_BAD_STATE);
        CHECK(expect_unchanged(&pipe, &before));
        EXPECT_EQUAL(begin_write(&pipe, 3 * ELEMENT), ring); /* from the same place */
        pipe_destroy(&pipe);
    }
}

TEST(mx_datapipe_end_read, too_much_or_part_of_an_element_ends_it_with_nothing_read) {
    size_t size;
    for (size_t i = 0; (size = bad_size(i, 2 * ELEMENT)) != 0; i++) {
        struct pipe pipe;
        struct snapshot before;
        CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
        CHECK(pipe_fill(&pipe, alphabet, 2 * ELEMENT));
        snapshot_take(&pipe, &before);
        EXPECT(begin_read(&pipe, 2 * ELEMENT));
        EXPECT_STATUS(mx_datapipe_end_read(pipe.consumer, size), ERR_INVALID_ARGS);
        EXPECT_STATUS(mx_datapipe_end_read(pipe.consumer, 0), ERR_BAD_STATE);
        CHECK(expect_unchanged(&pipe, &before));
        pipe_destroy(&pipe);
    }
}

TEST(mx_datapipe_end_write, more_than_was_offered_is_refused_though_there_is_room_by_now) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_turn(&pipe, 2 * ELEMENT)); /* the free bytes will not lie in one run */
    CHECK(pipe_fill(&pipe, alphabet, 3 * ELEMENT));
    EXPECT(begin_write(&pipe, ELEMENT));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, DISCARD, 2 * ELEMENT, NULL), 2 * ELEMENT);
    EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, 2 * ELEMENT), ERR_INVALID_ARGS);
    CHECK(expect_read(&pipe, alphabet + 2 * ELEMENT, ELEMENT));
    pipe_destroy(&pipe);
}
