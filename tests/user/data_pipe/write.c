/* mx_datapipe_write: each row of the contract's table in its order, and the order itself. Elements
 * are of 4 bytes, the pipe holds four. */
#include "fixture.h"

#define UNKNOWN_FLAG 2u

/* Two elements wait. */
static void create(struct pipe* pipe) {
    CHECK(pipe_create(pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(pipe, alphabet, 2 * ELEMENT));
}

/* A failed write leaves the pipe. */
static void expect_failure_at(const struct pipe* pipe, mx_handle_t handle, uint32_t flags,
                              size_t requested, const void* buffer, mx_status_t expected) {
    struct snapshot before;
    snapshot_take(pipe, &before);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(handle, flags, requested, buffer), expected);
    CHECK(expect_unchanged(pipe, &before));
}

static void expect_failure(const struct pipe* pipe, uint32_t flags, size_t requested,
                           const void* buffer, mx_status_t expected) {
    CHECK(expect_failure_at(pipe, pipe->producer, flags, requested, buffer, expected));
}

static void begin(struct pipe* pipe) {
    uintptr_t address;
    EXPECT_EQUAL(mx_datapipe_begin_write(pipe->producer, 0, &address), 2 * ELEMENT);
}

/* --- the handle ------------------------------------------------------------------------------- */

TEST(mx_datapipe_write, what_is_no_handle_is_bad_handle) {
    const mx_handle_t bad[] = {0, -1, INT32_MIN, INT32_MAX, 12345, stale_handle()};
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_STATUS((mx_status_t)mx_datapipe_write(bad[i], 0, ELEMENT, alphabet), ERR_BAD_HANDLE);
}

TEST(mx_datapipe_write, what_is_no_producer_is_wrong_type) {
    struct pipe pipe;
    mx_handle_t others[3];
    CHECK(create(&pipe));
    EXPECT_OK(zx_event_create(0, &others[0]));
    EXPECT_OK(mx_channel_create(0, &others[1], &others[2]));
    for (size_t i = 0; i < countof(others); i++)
        CHECK(expect_failure_at(&pipe, others[i], 0, ELEMENT, alphabet, ERR_WRONG_TYPE));
    CHECK(expect_failure_at(&pipe, pipe.consumer, 0, ELEMENT, alphabet, ERR_WRONG_TYPE));
    EXPECT_EQUAL(object_signals(others[2]), MX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_handle_close_many(others, countof(others)));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, missing_write_right_is_access_denied) {
    struct pipe pipe;
    CHECK(create(&pipe));
    CHECK(remove_rights(&pipe.producer, MX_RIGHT_WRITE));
    CHECK(expect_failure(&pipe, 0, ELEMENT, alphabet, ERR_ACCESS_DENIED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, no_right_but_write_is_needed) {
    struct pipe pipe;
    CHECK(create(&pipe));
    CHECK(remove_rights(&pipe.producer, (mx_rights_t)~MX_RIGHT_WRITE));
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, ELEMENT, alphabet + 8), ELEMENT);
    CHECK(expect_read(&pipe, alphabet, 3 * ELEMENT));
    pipe_destroy(&pipe);
}

/* --- flags and state -------------------------------------------------------------------------- */

TEST(mx_datapipe_write, unknown_flags_are_not_supported) {
    struct pipe pipe;
    CHECK(create(&pipe));
    for (uint32_t bit = 1; bit < 32; bit++) {
        CHECK(expect_failure(&pipe, 1u << bit, ELEMENT, alphabet, ERR_NOT_SUPPORTED));
        CHECK(expect_failure(&pipe, ALL_OR_NONE | 1u << bit, ELEMENT, alphabet, ERR_NOT_SUPPORTED));
    }
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, during_a_two_phase_write_is_busy) {
    struct pipe pipe;
    CHECK(create(&pipe));
    CHECK(begin(&pipe));
    CHECK(expect_failure(&pipe, 0, ELEMENT, alphabet, ERR_BUSY));
    CHECK(expect_failure(&pipe, ALL_OR_NONE, ELEMENT, alphabet, ERR_BUSY));
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 0));
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, ELEMENT, alphabet + 8), ELEMENT);
    CHECK(expect_read(&pipe, alphabet, 3 * ELEMENT));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, parts_of_elements_are_invalid_args) {
    static const size_t sizes[] = {1, 2, 3, 5, 7, 9, 15, 17, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 2};
    struct pipe pipe;
    CHECK(create(&pipe));
    for (size_t i = 0; i < countof(sizes); i++)
        CHECK(expect_failure(&pipe, 0, sizes[i], alphabet, ERR_INVALID_ARGS));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, to_a_closed_consumer_is_remote_closed) {
    struct pipe pipe;
    CHECK(create(&pipe));
    pipe_close_consumer(&pipe);
    CHECK(expect_failure(&pipe, 0, ELEMENT, alphabet, ERR_REMOTE_CLOSED));
    CHECK(expect_failure(&pipe, ALL_OR_NONE, ELEMENT, alphabet, ERR_REMOTE_CLOSED));
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_PEER_CLOSED);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, nothing_is_0_with_any_buffer) {
    struct pipe pipe;
    struct snapshot before;
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    CHECK(create(&pipe));
    snapshot_take(&pipe, &before);
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, 0, bad[i]), 0);
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, ALL_OR_NONE, 0, alphabet), 0);
    CHECK(expect_unchanged(&pipe, &before));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, to_a_full_pipe_is_should_wait) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, alphabet, CAPACITY));
    EXPECT_EQUAL(object_signals(pipe.producer), 0);
    CHECK(expect_failure(&pipe, 0, ELEMENT, alphabet, ERR_SHOULD_WAIT));
    CHECK(expect_failure(&pipe, ALL_OR_NONE, ELEMENT, alphabet, ERR_SHOULD_WAIT));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, all_or_none_that_does_not_fit_is_out_of_range) {
    struct pipe pipe;
    static const size_t sizes[] = {12, 16, 20, 1 << 20, SIZE_MAX & ~3ul};
    CHECK(create(&pipe));
    for (size_t i = 0; i < countof(sizes); i++)
        CHECK(expect_failure(&pipe, ALL_OR_NONE, sizes[i], alphabet, ERR_OUT_OF_RANGE));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, bad_buffers_are_invalid_args) {
    struct pipe pipe;
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    CHECK(create(&pipe));
    for (size_t i = 0; i < countof(bad); i++) {
        CHECK(expect_failure(&pipe, 0, ELEMENT, bad[i], ERR_INVALID_ARGS));
        CHECK(expect_failure(&pipe, ALL_OR_NONE, 2 * ELEMENT, bad[i], ERR_INVALID_ARGS));
    }
    pipe_destroy(&pipe);
}

/* --- success ---------------------------------------------------------------------------------- */

TEST(mx_datapipe_write, writes_as_many_whole_elements_as_fit) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, 3 * ELEMENT, alphabet), 3 * ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE);
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, 3 * ELEMENT, alphabet + 12), ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.producer), 0);
    CHECK(expect_read(&pipe, alphabet, CAPACITY));
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, all_or_none_that_fits_is_written) {
    struct pipe pipe;
    CHECK(create(&pipe));
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, ALL_OR_NONE, 2 * ELEMENT, alphabet + 8),
                 2 * ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.producer), 0);
    CHECK(expect_read(&pipe, alphabet, CAPACITY));
    pipe_destroy(&pipe);
}

/* --- the order of the checks: everything that comes later is wrong, too -------------------------
 */

TEST(mx_datapipe_write, the_handle_comes_before_flags) {
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(0, UNKNOWN_FLAG, 3, NULL), ERR_BAD_HANDLE);
}

TEST(mx_datapipe_write, the_type_comes_before_rights_and_flags) {
    struct pipe pipe;
    CHECK(create(&pipe)); /* no consumer has the right to write */
    CHECK(expect_failure_at(&pipe, pipe.consumer, UNKNOWN_FLAG, 3, NULL, ERR_WRONG_TYPE));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, rights_come_before_flags) {
    struct pipe pipe;
    CHECK(create(&pipe));
    CHECK(remove_rights(&pipe.producer, MX_RIGHT_WRITE));
    CHECK(expect_failure(&pipe, UNKNOWN_FLAG, 3, NULL, ERR_ACCESS_DENIED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, flags_come_before_an_open_two_phase_write) {
    struct pipe pipe;
    CHECK(create(&pipe));
    CHECK(begin(&pipe));
    pipe_close_consumer(&pipe);
    CHECK(expect_failure(&pipe, UNKNOWN_FLAG, 3, NULL, ERR_NOT_SUPPORTED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, an_open_two_phase_write_comes_before_elements_and_nothing) {
    struct pipe pipe;
    CHECK(create(&pipe));
    CHECK(begin(&pipe));
    pipe_close_consumer(&pipe);
    CHECK(expect_failure(&pipe, ALL_OR_NONE, 3, NULL, ERR_BUSY));
    CHECK(expect_failure(&pipe, 0, 0, NULL, ERR_BUSY));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, elements_come_before_the_closed_consumer) {
    struct pipe pipe;
    CHECK(create(&pipe));
    pipe_close_consumer(&pipe);
    CHECK(expect_failure(&pipe, ALL_OR_NONE, 3, NULL, ERR_INVALID_ARGS));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, the_closed_consumer_comes_before_nothing_and_all_or_none) {
    struct pipe pipe;
    CHECK(create(&pipe));
    pipe_close_consumer(&pipe);
    CHECK(expect_failure(&pipe, 0, 0, NULL, ERR_REMOTE_CLOSED));
    CHECK(expect_failure(&pipe, ALL_OR_NONE, 400, NULL, ERR_REMOTE_CLOSED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, nothing_comes_before_a_full_pipe) {
    struct pipe pipe;
    CHECK(create(&pipe));
    CHECK(pipe_fill(&pipe, alphabet + 8, 2 * ELEMENT));
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, 0, NULL), 0);
    CHECK(expect_read(&pipe, alphabet, CAPACITY));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, elements_come_before_a_full_pipe_and_that_before_all_or_none) {
    struct pipe pipe;
    CHECK(create(&pipe));
    CHECK(pipe_fill(&pipe, alphabet + 8, 2 * ELEMENT));
    CHECK(expect_failure(&pipe, 0, 3, NULL, ERR_INVALID_ARGS));
    CHECK(expect_failure(&pipe, ALL_OR_NONE, 3 * ELEMENT, NULL, ERR_SHOULD_WAIT));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, all_or_none_comes_before_the_buffer) {
    struct pipe pipe;
    CHECK(create(&pipe));
    CHECK(expect_failure(&pipe, ALL_OR_NONE, 3 * ELEMENT, NULL, ERR_OUT_OF_RANGE));
    CHECK(expect_failure(&pipe, ALL_OR_NONE, 2 * ELEMENT, NULL, ERR_INVALID_ARGS));
    pipe_destroy(&pipe);
}
