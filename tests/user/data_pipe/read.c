/* mx_datapipe_read: its flags, its errors and their order. Elements are of 4 bytes, the pipe holds
 * four. */
#include "fixture.h"

#define UNKNOWN_FLAG 16u

/* Three elements wait. */
static void create(struct pipe* pipe, struct snapshot* before) {
    CHECK(pipe_create(pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(pipe, alphabet, 3 * ELEMENT));
    snapshot_take(pipe, before);
}

/* A failed read leaves the pipe, and the buffer. */
static void expect_failure(const struct pipe* pipe, uint32_t flags, size_t requested,
                           mx_status_t expected) {
    struct snapshot before;
    char buffer[64];
    memset(buffer, '#', sizeof(buffer));
    snapshot_take(pipe, &before);
    EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe->consumer, flags, requested, buffer),
                  expected);
    CHECK(expect_unchanged(pipe, &before));
    for (size_t i = 0; i < sizeof(buffer); i++)
        EXPECT_EQUAL(buffer[i], '#');
}

/* --- the handle ------------------------------------------------------------------------------- */

TEST(mx_datapipe_read, what_is_no_handle_is_bad_handle) {
    const mx_handle_t bad[] = {0, -1, INT32_MIN, INT32_MAX, 12345, stale_handle()};
    char buffer[ELEMENT];
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_STATUS((mx_status_t)mx_datapipe_read(bad[i], 0, ELEMENT, buffer), ERR_BAD_HANDLE);
}

TEST(mx_datapipe_read, what_is_no_consumer_is_wrong_type) {
    struct pipe pipe;
    struct snapshot before;
    char buffer[ELEMENT];
    mx_handle_t event;
    CHECK(create(&pipe, &before));
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_STATUS((mx_status_t)mx_datapipe_read(event, 0, ELEMENT, buffer), ERR_WRONG_TYPE);
    EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe.producer, 0, ELEMENT, buffer), ERR_WRONG_TYPE);
    EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe.producer, UNKNOWN_FLAG, 3, NULL),
                  ERR_WRONG_TYPE);
    EXPECT_OK(mx_handle_close(event));
    CHECK(expect_unchanged(&pipe, &before));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, missing_read_right_is_access_denied) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(create(&pipe, &before));
    CHECK(remove_rights(&pipe.consumer, MX_RIGHT_READ));
    static const uint32_t flags[] = {0, ALL_OR_NONE, DISCARD, QUERY, PEEK, UNKNOWN_FLAG};
    char buffer[ELEMENT] = "####";
    for (size_t i = 0; i < countof(flags); i++)
        EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe.consumer, flags[i], ELEMENT, buffer),
                      ERR_ACCESS_DENIED);
    EXPECT_BYTES(buffer, "####", ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE);
    pipe_destroy(&pipe);
}

/* --- flags ------------------------------------------------------------------------------------ */

TEST(mx_datapipe_read, unknown_flags_are_not_supported) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(create(&pipe, &before));
    for (uint32_t bit = 4; bit < 32; bit++) {
        CHECK(expect_failure(&pipe, 1u << bit, ELEMENT, ERR_NOT_SUPPORTED));
        CHECK(expect_failure(&pipe, DISCARD | PEEK | 1u << bit, ELEMENT, ERR_NOT_SUPPORTED));
    }
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, discard_query_and_peek_exclude_each_other) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(create(&pipe, &before));
    static const uint32_t exclusive[] = {DISCARD | QUERY, DISCARD | PEEK, QUERY | PEEK,
                                         DISCARD | QUERY | PEEK};
    for (size_t i = 0; i < countof(exclusive); i++) {
        CHECK(expect_failure(&pipe, exclusive[i], ELEMENT, ERR_INVALID_ARGS));
        CHECK(expect_failure(&pipe, exclusive[i] | ALL_OR_NONE, ELEMENT, ERR_INVALID_ARGS));
    }
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, query_returns_what_waits_and_looks_at_nothing_else) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY, 0, NULL), 0);
    CHECK(pipe_fill(&pipe, alphabet, 3 * ELEMENT));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY, 0, NULL), 3 * ELEMENT);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY, 3, BAD_POINTER), 3 * ELEMENT);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY | ALL_OR_NONE, 400, NULL), 3 * ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE);
    pipe_close_producer(&pipe);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY, 0, NULL), 3 * ELEMENT);
    CHECK(expect_read(&pipe, alphabet, 3 * ELEMENT));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY, 0, NULL), 0);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, peek_shows_and_keeps) {
    struct pipe pipe;
    struct snapshot before;
    char buffer[CAPACITY];
    CHECK(create(&pipe, &before));
    for (int again = 0; again < 2; again++) {
        memset(buffer, '#', sizeof(buffer));
        EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, PEEK, 2 * ELEMENT, buffer), 2 * ELEMENT);
        EXPECT_BYTES(buffer, "abcdefgh########", CAPACITY);
        EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, PEEK, CAPACITY, buffer), 3 * ELEMENT);
        EXPECT_BYTES(buffer, "abcdefghijkl####", CAPACITY);
    }
    CHECK(expect_unchanged(&pipe, &before));
    CHECK(expect_failure(&pipe, PEEK | ALL_OR_NONE, CAPACITY, ERR_OUT_OF_RANGE));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, discard_takes_without_a_buffer) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(create(&pipe, &before));
    CHECK(expect_failure(&pipe, DISCARD | ALL_OR_NONE, CAPACITY, ERR_OUT_OF_RANGE));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, DISCARD, ELEMENT, NULL), ELEMENT);
    CHECK(expect_waiting(&pipe, alphabet + ELEMENT, 2 * ELEMENT));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, DISCARD | ALL_OR_NONE, ELEMENT, BAD_POINTER),
                 ELEMENT);
    CHECK(expect_waiting(&pipe, alphabet + 2 * ELEMENT, ELEMENT));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, DISCARD, SIZE_MAX & ~3ul, NULL), ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    CHECK(expect_failure(&pipe, DISCARD, ELEMENT, ERR_SHOULD_WAIT));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, all_or_none_takes_all_or_none) {
    struct pipe pipe;
    struct snapshot before;
    char buffer[CAPACITY];
    static const size_t sizes[] = {16, 20, 1 << 20, SIZE_MAX & ~3ul};
    CHECK(create(&pipe, &before));
    for (size_t i = 0; i < countof(sizes); i++)
        CHECK(expect_failure(&pipe, ALL_OR_NONE, sizes[i], ERR_OUT_OF_RANGE));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, ALL_OR_NONE, 2 * ELEMENT, buffer), 2 * ELEMENT);
    EXPECT_BYTES(buffer, alphabet, 2 * ELEMENT);
    pipe_close_producer(&pipe);
    CHECK(expect_failure(&pipe, ALL_OR_NONE, 2 * ELEMENT, ERR_REMOTE_CLOSED));
    CHECK(expect_failure(&pipe, ALL_OR_NONE | DISCARD, 2 * ELEMENT, ERR_REMOTE_CLOSED));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, ALL_OR_NONE, ELEMENT, buffer), ELEMENT);
    EXPECT_BYTES(buffer, alphabet + 2 * ELEMENT, ELEMENT);
    pipe_destroy(&pipe);
}

/* --- state ------------------------------------------------------------------------------------ */

TEST(mx_datapipe_read, during_a_two_phase_read_is_busy) {
    struct pipe pipe;
    struct snapshot before;
    uintptr_t address;
    static const uint32_t flags[] = {0, ALL_OR_NONE, DISCARD, QUERY, PEEK};
    CHECK(create(&pipe, &before));
    EXPECT_EQUAL(mx_datapipe_begin_read(pipe.consumer, 0, &address), 3 * ELEMENT);
    char buffer[ELEMENT] = "####";
    for (size_t i = 0; i < countof(flags); i++)
        EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe.consumer, flags[i], ELEMENT, buffer),
                      ERR_BUSY);
    EXPECT_BYTES(buffer, "####", ELEMENT);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, 0));
    CHECK(expect_unchanged(&pipe, &before));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, parts_of_elements_are_invalid_args) {
    static const size_t sizes[] = {1, 2, 3, 5, 11, 13, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 2};
    struct pipe pipe;
    struct snapshot before;
    CHECK(create(&pipe, &before));
    for (size_t i = 0; i < countof(sizes); i++) {
        CHECK(expect_failure(&pipe, 0, sizes[i], ERR_INVALID_ARGS));
        CHECK(expect_failure(&pipe, PEEK, sizes[i], ERR_INVALID_ARGS));
        CHECK(expect_failure(&pipe, DISCARD, sizes[i], ERR_INVALID_ARGS));
    }
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, empty_is_should_wait_and_remote_closed_once_the_producer_has_gone) {
    static const uint32_t flags[] = {0, ALL_OR_NONE, DISCARD, PEEK};
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    for (size_t i = 0; i < countof(flags); i++)
        CHECK(expect_failure(&pipe, flags[i], ELEMENT, ERR_SHOULD_WAIT));
    pipe_close_producer(&pipe);
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    for (size_t i = 0; i < countof(flags); i++)
        CHECK(expect_failure(&pipe, flags[i], ELEMENT, ERR_REMOTE_CLOSED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, nothing_is_0_with_any_buffer) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, 0, NULL), 0); /* empty */
    pipe_destroy(&pipe);
    CHECK(create(&pipe, &before));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, 0, NULL), 0);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, ALL_OR_NONE | PEEK, 0, BAD_POINTER), 0);
    CHECK(expect_unchanged(&pipe, &before));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, bad_buffers_are_invalid_args) {
    struct pipe pipe;
    struct snapshot before;
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    CHECK(create(&pipe, &before));
    for (size_t i = 0; i < countof(bad); i++) {
        EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe.consumer, 0, ELEMENT, bad[i]),
                      ERR_INVALID_ARGS);
        EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe.consumer, PEEK, 2 * ELEMENT, bad[i]),
                      ERR_INVALID_ARGS);
    }
    CHECK(expect_unchanged(&pipe, &before));
    pipe_destroy(&pipe);
}

/* --- success ---------------------------------------------------------------------------------- */

TEST(mx_datapipe_read, takes_as_many_whole_elements_as_wait) {
    struct pipe pipe;
    struct snapshot before;
    char buffer[32];
    CHECK(create(&pipe, &before));
    memset(buffer, '#', sizeof(buffer));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, ELEMENT, buffer), ELEMENT);
    EXPECT_BYTES(buffer, "abcd########", 12);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, sizeof(buffer), buffer), 2 * ELEMENT);
    EXPECT_BYTES(buffer, "efghijkl########", 16);
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, what_was_written_before_the_producer_closed_stays_readable) {
    struct pipe pipe;
    struct snapshot before;
    char buffer[CAPACITY];
    CHECK(create(&pipe, &before));
    pipe_close_producer(&pipe);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE | MX_SIGNAL_PEER_CLOSED);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, ELEMENT, buffer), ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE | MX_SIGNAL_PEER_CLOSED);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, CAPACITY, buffer), 2 * ELEMENT);
    EXPECT_BYTES(buffer, alphabet + ELEMENT, 2 * ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe.consumer, 0, ELEMENT, buffer),
                  ERR_REMOTE_CLOSED);
    pipe_destroy(&pipe);
}

/* --- the order of the checks: everything that comes later is wrong, too -------------------------
 */

/* A read without a buffer fails so, and takes nothing. */
static void expect_first(const struct pipe* pipe, uint32_t flags, size_t requested,
                         mx_status_t expected) {
    struct snapshot before;
    snapshot_take(pipe, &before);
    EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe->consumer, flags, requested, NULL), expected);
    CHECK(expect_unchanged(pipe, &before));
}

static void begin(struct pipe* pipe) {
    uintptr_t address;
    EXPECT_EQUAL(mx_datapipe_begin_read(pipe->consumer, 0, &address), 3 * ELEMENT);
}

TEST(mx_datapipe_read, the_handle_comes_before_flags) {
    EXPECT_STATUS((mx_status_t)mx_datapipe_read(0, UNKNOWN_FLAG, 3, NULL), ERR_BAD_HANDLE);
}

TEST(mx_datapipe_read, unknown_flags_come_before_flags_that_exclude_each_other) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(create(&pipe, &before));
    CHECK(begin(&pipe));
    CHECK(expect_first(&pipe, UNKNOWN_FLAG | PEEK | DISCARD, 3, ERR_NOT_SUPPORTED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, flags_come_before_an_open_two_phase_read) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(create(&pipe, &before));
    CHECK(begin(&pipe));
    CHECK(expect_first(&pipe, PEEK | DISCARD, 3, ERR_INVALID_ARGS));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, an_open_two_phase_read_comes_before_elements) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(create(&pipe, &before));
    CHECK(begin(&pipe));
    CHECK(expect_first(&pipe, ALL_OR_NONE, 3, ERR_BUSY));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, elements_come_before_the_closed_producer_and_an_empty_pipe) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(expect_first(&pipe, 0, 3, ERR_INVALID_ARGS));
    pipe_close_producer(&pipe);
    CHECK(expect_first(&pipe, 0, 3, ERR_INVALID_ARGS));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, the_closed_producer_comes_before_nothing) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    pipe_close_producer(&pipe);
    CHECK(expect_first(&pipe, 0, 0, ERR_REMOTE_CLOSED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, an_empty_pipe_comes_before_all_or_none) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(expect_first(&pipe, ALL_OR_NONE, ELEMENT, ERR_SHOULD_WAIT));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_read, all_or_none_comes_before_the_buffer) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(create(&pipe, &before));
    CHECK(expect_first(&pipe, ALL_OR_NONE, CAPACITY, ERR_OUT_OF_RANGE));
    CHECK(expect_first(&pipe, ALL_OR_NONE, 3 * ELEMENT, ERR_INVALID_ARGS));
    pipe_destroy(&pipe);
}
