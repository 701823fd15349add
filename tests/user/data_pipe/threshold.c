/* The thresholds of both ends, and the signals that follow them. */
#include "fixture.h"

#define READ_THRESHOLD MX_PROP_DATAPIPE_READ_THRESHOLD
#define WRITE_THRESHOLD MX_PROP_DATAPIPE_WRITE_THRESHOLD

static void set(mx_handle_t end, uint32_t property, size_t threshold) {
    size_t found = 77;
    EXPECT_OK(mx_object_set_property(end, property, &threshold, sizeof(threshold)));
    EXPECT_OK(mx_object_get_property(end, property, &found, sizeof(found)));
    EXPECT_EQUAL(found, threshold);
}

TEST(data_pipe_threshold, is_0_at_first_and_read_back_as_set) {
    struct pipe pipe;
    size_t found = 77;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    EXPECT_OK(mx_object_get_property(pipe.consumer, READ_THRESHOLD, &found, sizeof(found)));
    EXPECT_EQUAL(found, 0);
    found = 77;
    EXPECT_OK(mx_object_get_property(pipe.producer, WRITE_THRESHOLD, &found, sizeof(found)));
    EXPECT_EQUAL(found, 0);
    for (size_t threshold = 0; threshold <= CAPACITY; threshold += ELEMENT) {
        CHECK(set(pipe.consumer, READ_THRESHOLD, threshold));
        CHECK(set(pipe.producer, WRITE_THRESHOLD, CAPACITY - threshold));
    }
    pipe_destroy(&pipe);
}

TEST(data_pipe_threshold, of_reading_is_shown_when_enough_waits) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(set(pipe.consumer, READ_THRESHOLD, 2 * ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    CHECK(pipe_fill(&pipe, "abcd", ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_READABLE);
    CHECK(pipe_fill(&pipe, "efgh", ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, DISCARD, ELEMENT, NULL), ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_READABLE);
    CHECK(expect_read(&pipe, "efgh", ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    pipe_destroy(&pipe);
}

TEST(data_pipe_threshold, of_writing_is_shown_when_enough_is_free) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(set(pipe.producer, WRITE_THRESHOLD, 3 * ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    CHECK(pipe_fill(&pipe, "abcd", ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    CHECK(pipe_fill(&pipe, "efgh", ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_WRITABLE);
    CHECK(pipe_fill(&pipe, "ijklmnop", 2 * ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.producer), 0);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, DISCARD, 2 * ELEMENT, NULL), 2 * ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_WRITABLE);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, DISCARD, ELEMENT, NULL), ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    pipe_destroy(&pipe);
}

TEST(data_pipe_threshold, signals_follow_a_change_of_the_threshold_at_once) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, "abcdefgh", 2 * ELEMENT));
    for (size_t threshold = 0; threshold <= CAPACITY; threshold += ELEMENT) {
        CHECK(set(pipe.consumer, READ_THRESHOLD, threshold));
        CHECK(set(pipe.producer, WRITE_THRESHOLD, threshold));
        bool is_reached = threshold <= 2 * ELEMENT;
        EXPECT_EQUAL(object_signals(pipe.consumer), is_reached ? READABLE : MX_SIGNAL_READABLE);
        EXPECT_EQUAL(object_signals(pipe.producer), is_reached ? WRITABLE : MX_SIGNAL_WRITABLE);
    }
    CHECK(set(pipe.consumer, READ_THRESHOLD, 0));
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE);
    pipe_destroy(&pipe);
}

TEST(data_pipe_threshold, holds_for_two_phases_too) {
    struct pipe pipe;
    uintptr_t address;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(set(pipe.consumer, READ_THRESHOLD, 2 * ELEMENT));
    CHECK(set(pipe.producer, WRITE_THRESHOLD, 3 * ELEMENT));
    EXPECT_EQUAL(mx_datapipe_begin_write(pipe.producer, 0, &address), CAPACITY);
    CHECK(set(pipe.producer, WRITE_THRESHOLD, ELEMENT)); /* open: nothing to show */
    EXPECT_EQUAL(object_signals(pipe.producer), 0);
    CHECK(set(pipe.producer, WRITE_THRESHOLD, 3 * ELEMENT));
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 2 * ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_WRITABLE);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE);
    EXPECT_EQUAL(mx_datapipe_begin_read(pipe.consumer, 0, &address), 2 * ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_READABLE);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    pipe_destroy(&pipe);
}

TEST(data_pipe_threshold, still_counts_when_the_other_end_has_closed) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, "abcdefgh", 2 * ELEMENT));
    pipe_close_producer(&pipe);
    CHECK(set(pipe.consumer, READ_THRESHOLD, 3 * ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_READABLE | MX_SIGNAL_PEER_CLOSED);
    CHECK(set(pipe.consumer, READ_THRESHOLD, 2 * ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE | MX_SIGNAL_PEER_CLOSED);
    pipe_destroy(&pipe);
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    pipe_close_consumer(&pipe);
    CHECK(set(pipe.producer, WRITE_THRESHOLD, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_PEER_CLOSED);
    pipe_destroy(&pipe);
}

TEST(data_pipe_threshold, wakes_a_thread_that_waits_for_it) {
    struct pipe pipe;
    mx_signals_t observed = 0;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(set(pipe.consumer, READ_THRESHOLD, 2 * ELEMENT));
    CHECK(pipe_fill(&pipe, "abcd", ELEMENT));
    EXPECT_STATUS(mx_object_wait_one(pipe.consumer, MX_SIGNAL_READ_THRESHOLD,
                                     zx_clock_get_monotonic() + ZX_MSEC(2), &observed),
                  MX_ERR_TIMED_OUT);
    EXPECT_EQUAL(observed, MX_SIGNAL_READABLE);
    CHECK(pipe_fill(&pipe, "efgh", ELEMENT));
    EXPECT_OK(
        mx_object_wait_one(pipe.consumer, MX_SIGNAL_READ_THRESHOLD, MX_TIME_INFINITE, &observed));
    EXPECT_EQUAL(observed, READABLE);
    pipe_destroy(&pipe);
}

/* --- what is refused -------------------------------------------------------------------------- */

TEST(data_pipe_threshold, must_be_whole_elements_up_to_the_capacity) {
    static const size_t bad[] = {1,        2, 3, 5, 15, 17, 20, 1 << 20, SIZE_MAX, SIZE_MAX - 3,
                                 1ul << 63};
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(set(pipe.consumer, READ_THRESHOLD, 8));
    CHECK(set(pipe.producer, WRITE_THRESHOLD, 12));
    for (size_t i = 0; i < countof(bad); i++) {
        EXPECT_STATUS(
            mx_object_set_property(pipe.consumer, READ_THRESHOLD, &bad[i], sizeof(size_t)),
            MX_ERR_INVALID_ARGS);
        EXPECT_STATUS(
            mx_object_set_property(pipe.producer, WRITE_THRESHOLD, &bad[i], sizeof(size_t)),
            MX_ERR_INVALID_ARGS);
    }
    size_t found = 0;
    EXPECT_OK(mx_object_get_property(pipe.consumer, READ_THRESHOLD, &found, sizeof(found)));
    EXPECT_EQUAL(found, 8);
    EXPECT_OK(mx_object_get_property(pipe.producer, WRITE_THRESHOLD, &found, sizeof(found)));
    EXPECT_EQUAL(found, 12);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    pipe_destroy(&pipe);
}

/* Neither is it set nor read. */
static void expect_refused(mx_handle_t handle, uint32_t property, mx_status_t expected) {
    size_t size = ELEMENT;
    EXPECT_STATUS(mx_object_set_property(handle, property, &size, sizeof(size)), expected);
    EXPECT_STATUS(mx_object_get_property(handle, property, &size, sizeof(size)), expected);
    EXPECT_EQUAL(size, ELEMENT);
}

/* The thresholds are as set below: no failed call has changed them. */
static void create_with_thresholds(struct pipe* pipe) {
    CHECK(pipe_create(pipe, ELEMENT, CAPACITY));
    CHECK(set(pipe->consumer, READ_THRESHOLD, 2 * ELEMENT));
    CHECK(set(pipe->producer, WRITE_THRESHOLD, 3 * ELEMENT));
}

static void expect_thresholds(const struct pipe* pipe) {
    size_t found = 0;
    EXPECT_OK(mx_object_get_property(pipe->consumer, READ_THRESHOLD, &found, sizeof(found)));
    EXPECT_EQUAL(found, 2 * ELEMENT);
    EXPECT_OK(mx_object_get_property(pipe->producer, WRITE_THRESHOLD, &found, sizeof(found)));
    EXPECT_EQUAL(found, 3 * ELEMENT);
}

TEST(data_pipe_threshold, of_what_is_no_handle_is_bad_handle) {
    CHECK(expect_refused(0, READ_THRESHOLD, MX_ERR_BAD_HANDLE));
    CHECK(expect_refused(stale_handle(), WRITE_THRESHOLD, MX_ERR_BAD_HANDLE));
}

TEST(data_pipe_threshold, of_the_other_kind_of_end_is_wrong_type) {
    struct pipe pipe;
    CHECK(create_with_thresholds(&pipe));
    CHECK(expect_refused(pipe.producer, READ_THRESHOLD, MX_ERR_WRONG_TYPE));
    CHECK(expect_refused(pipe.consumer, WRITE_THRESHOLD, MX_ERR_WRONG_TYPE));
    CHECK(expect_thresholds(&pipe));
    pipe_destroy(&pipe);
}

TEST(data_pipe_threshold, of_another_object_is_wrong_type) {
    mx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    CHECK(expect_refused(event, READ_THRESHOLD, MX_ERR_WRONG_TYPE));
    CHECK(expect_refused(event, WRITE_THRESHOLD, MX_ERR_WRONG_TYPE));
    EXPECT_OK(mx_handle_close(event));
}

TEST(data_pipe_threshold, of_a_producer_without_write_right_can_be_read_only) {
    struct pipe pipe;
    size_t size = ELEMENT;
    CHECK(create_with_thresholds(&pipe));
    CHECK(remove_rights(&pipe.producer, MX_RIGHT_WRITE));
    EXPECT_STATUS(mx_object_set_property(pipe.producer, WRITE_THRESHOLD, &size, sizeof(size)),
                  MX_ERR_ACCESS_DENIED);
    CHECK(expect_thresholds(&pipe));
    pipe_destroy(&pipe);
}

TEST(data_pipe_threshold, of_a_consumer_without_read_right_is_access_denied) {
    struct pipe pipe;
    CHECK(create_with_thresholds(&pipe));
    CHECK(remove_rights(&pipe.consumer, MX_RIGHT_READ));
    CHECK(expect_refused(pipe.consumer, READ_THRESHOLD, MX_ERR_ACCESS_DENIED));
    pipe_destroy(&pipe);
}

TEST(data_pipe_threshold, shorter_than_a_size_t_is_buffer_too_small) {
    struct pipe pipe;
    size_t size = ELEMENT;
    CHECK(create_with_thresholds(&pipe));
    for (size_t room = 0; room < sizeof(size); room++) {
        EXPECT_STATUS(mx_object_set_property(pipe.consumer, READ_THRESHOLD, &size, room),
                      MX_ERR_BUFFER_TOO_SMALL);
        EXPECT_STATUS(mx_object_get_property(pipe.consumer, READ_THRESHOLD, &size, room),
                      MX_ERR_BUFFER_TOO_SMALL);
    }
    EXPECT_EQUAL(size, ELEMENT);
    CHECK(expect_thresholds(&pipe));
    pipe_destroy(&pipe);
}

TEST(data_pipe_threshold, at_a_bad_address_is_invalid_args) {
    struct pipe pipe;
    void* bad[BAD_POINTER_COUNT];
    CHECK(create_with_thresholds(&pipe));
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_STATUS(mx_object_set_property(pipe.consumer, READ_THRESHOLD, bad[i], sizeof(size_t)),
                      MX_ERR_INVALID_ARGS);
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_STATUS(mx_object_get_property(pipe.consumer, READ_THRESHOLD, bad[i], sizeof(size_t)),
                      MX_ERR_INVALID_ARGS);
    CHECK(expect_thresholds(&pipe));
    pipe_destroy(&pipe);
}
