/* mx_datapipe_write: each row of the contract's table in its order, and the order itself. Elements
 * are of 4 bytes, the pipe holds four. */
#include "fixture.h"

#define ELEMENT 4
#define CAPACITY 16
#define UNKNOWN_FLAG 2u

static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";

/* Two elements wait; the failed call must not change that. */
struct scene {
    struct pipe pipe;
    struct snapshot before;
};

static void scene_create(struct scene* scene) {
    CHECK(pipe_create(&scene->pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&scene->pipe, letters, 2 * ELEMENT));
    snapshot_take(&scene->pipe, &scene->before);
}

static void scene_end(struct scene* scene) {
    CHECK(expect_unchanged(&scene->pipe, &scene->before));
    pipe_destroy(&scene->pipe);
}

/* --- the handle ------------------------------------------------------------------------------- */

TEST(mx_datapipe_write, what_is_no_handle_is_bad_handle) {
    const mx_handle_t bad[] = {0, -1, INT32_MIN, INT32_MAX, 12345, stale_handle()};
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_STATUS((mx_status_t)mx_datapipe_write(bad[i], 0, ELEMENT, letters), ERR_BAD_HANDLE);
}

TEST(mx_datapipe_write, what_is_no_producer_is_wrong_type) {
    struct scene scene;
    mx_handle_t event, near, far;
    CHECK(scene_create(&scene));
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(mx_channel_create(0, &near, &far));
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(event, 0, ELEMENT, letters), ERR_WRONG_TYPE);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(near, 0, ELEMENT, letters), ERR_WRONG_TYPE);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(scene.pipe.consumer, 0, ELEMENT, letters),
                  ERR_WRONG_TYPE);
    const mx_handle_t others[] = {event, near, far};
    EXPECT_OK(zx_handle_close_many(others, countof(others)));
    CHECK(scene_end(&scene));
}

TEST(mx_datapipe_write, needs_the_write_right_and_no_other) {
    struct scene scene;
    CHECK(scene_create(&scene));
    CHECK(remove_rights(&scene.pipe.producer, MX_RIGHT_WRITE));
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(scene.pipe.producer, 0, ELEMENT, letters),
                  ERR_ACCESS_DENIED);
    CHECK(scene_end(&scene));
    CHECK(scene_create(&scene));
    CHECK(remove_rights(&scene.pipe.producer, MX_RIGHT_TRANSFER | MX_RIGHT_READ));
    EXPECT_EQUAL(mx_datapipe_write(scene.pipe.producer, 0, ELEMENT, letters + 8), ELEMENT);
    CHECK(expect_read(&scene.pipe, letters, 3 * ELEMENT));
    pipe_destroy(&scene.pipe);
}

/* --- flags and state -------------------------------------------------------------------------- */

TEST(mx_datapipe_write, unknown_flags_are_not_supported) {
    struct scene scene;
    CHECK(scene_create(&scene));
    for (uint32_t bit = 1; bit < 32; bit++) {
        EXPECT_STATUS(
            (mx_status_t)mx_datapipe_write(scene.pipe.producer, 1u << bit, ELEMENT, letters),
            ERR_NOT_SUPPORTED);
        EXPECT_STATUS((mx_status_t)mx_datapipe_write(scene.pipe.producer, ALL_OR_NONE | 1u << bit,
                                                     ELEMENT, letters),
                      ERR_NOT_SUPPORTED);
    }
    CHECK(scene_end(&scene));
}

TEST(mx_datapipe_write, during_a_two_phase_write_is_busy) {
    struct scene scene;
    uintptr_t address;
    CHECK(scene_create(&scene));
    EXPECT_EQUAL(mx_datapipe_begin_write(scene.pipe.producer, 0, &address), 2 * ELEMENT);
    snapshot_take(&scene.pipe, &scene.before);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(scene.pipe.producer, 0, ELEMENT, letters),
                  ERR_BUSY);
    EXPECT_STATUS(
        (mx_status_t)mx_datapipe_write(scene.pipe.producer, ALL_OR_NONE, ELEMENT, letters),
        ERR_BUSY);
    CHECK(expect_unchanged(&scene.pipe, &scene.before));
    EXPECT_OK(mx_datapipe_end_write(scene.pipe.producer, 0));
    EXPECT_EQUAL(mx_datapipe_write(scene.pipe.producer, 0, ELEMENT, letters + 8), ELEMENT);
    CHECK(expect_read(&scene.pipe, letters, 3 * ELEMENT));
    pipe_destroy(&scene.pipe);
}

TEST(mx_datapipe_write, parts_of_elements_are_invalid_args) {
    static const size_t sizes[] = {1, 2, 3, 5, 7, 9, 15, 17, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 2};
    struct scene scene;
    CHECK(scene_create(&scene));
    for (size_t i = 0; i < countof(sizes); i++)
        EXPECT_STATUS((mx_status_t)mx_datapipe_write(scene.pipe.producer, 0, sizes[i], letters),
                      ERR_INVALID_ARGS);
    CHECK(scene_end(&scene));
}

TEST(mx_datapipe_write, to_a_closed_consumer_is_remote_closed) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    pipe_close_consumer(&pipe);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(pipe.producer, 0, ELEMENT, letters),
                  ERR_REMOTE_CLOSED);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(pipe.producer, ALL_OR_NONE, ELEMENT, letters),
                  ERR_REMOTE_CLOSED);
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_PEER_CLOSED);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, nothing_is_0_with_any_buffer) {
    struct scene scene;
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    CHECK(scene_create(&scene));
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_EQUAL(mx_datapipe_write(scene.pipe.producer, 0, 0, bad[i]), 0);
    EXPECT_EQUAL(mx_datapipe_write(scene.pipe.producer, ALL_OR_NONE, 0, letters), 0);
    CHECK(expect_unchanged(&scene.pipe, &scene.before));
    CHECK(pipe_fill(&scene.pipe, letters + 8, 2 * ELEMENT));
    EXPECT_EQUAL(mx_datapipe_write(scene.pipe.producer, 0, 0, NULL), 0); /* full */
    CHECK(expect_read(&scene.pipe, letters, CAPACITY));
    pipe_destroy(&scene.pipe);
}

TEST(mx_datapipe_write, to_a_full_pipe_is_should_wait) {
    struct pipe pipe;
    struct snapshot full;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, CAPACITY));
    EXPECT_EQUAL(object_signals(pipe.producer), 0);
    snapshot_take(&pipe, &full);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(pipe.producer, 0, ELEMENT, letters),
                  ERR_SHOULD_WAIT);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(pipe.producer, ALL_OR_NONE, ELEMENT, letters),
                  ERR_SHOULD_WAIT);
    CHECK(expect_unchanged(&pipe, &full));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_write, all_or_none_that_does_not_fit_is_out_of_range) {
    struct scene scene;
    static const size_t sizes[] = {12, 16, 20, 1 << 20, SIZE_MAX & ~3ul};
    CHECK(scene_create(&scene));
    for (size_t i = 0; i < countof(sizes); i++)
        EXPECT_STATUS(
            (mx_status_t)mx_datapipe_write(scene.pipe.producer, ALL_OR_NONE, sizes[i], letters),
            ERR_OUT_OF_RANGE);
    CHECK(expect_unchanged(&scene.pipe, &scene.before));
    EXPECT_EQUAL(mx_datapipe_write(scene.pipe.producer, ALL_OR_NONE, 2 * ELEMENT, letters + 8),
                 2 * ELEMENT);
    CHECK(expect_read(&scene.pipe, letters, CAPACITY));
    pipe_destroy(&scene.pipe);
}

TEST(mx_datapipe_write, bad_buffers_are_invalid_args) {
    struct scene scene;
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    CHECK(scene_create(&scene));
    for (size_t i = 0; i < countof(bad); i++) {
        EXPECT_STATUS((mx_status_t)mx_datapipe_write(scene.pipe.producer, 0, ELEMENT, bad[i]),
                      ERR_INVALID_ARGS);
        EXPECT_STATUS(
            (mx_status_t)mx_datapipe_write(scene.pipe.producer, ALL_OR_NONE, 2 * ELEMENT, bad[i]),
            ERR_INVALID_ARGS);
    }
    CHECK(scene_end(&scene));
}

/* --- success ---------------------------------------------------------------------------------- */

TEST(mx_datapipe_write, writes_as_many_whole_elements_as_fit) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, 3 * ELEMENT, letters), 3 * ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE);
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, 3 * ELEMENT, letters + 12), ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.producer), 0);
    CHECK(expect_read(&pipe, letters, CAPACITY));
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    pipe_destroy(&pipe);
}

/* --- the order of the checks ------------------------------------------------------------------ */

TEST(mx_datapipe_write, faults_of_the_handle_come_before_all_others) {
    struct scene scene;
    CHECK(scene_create(&scene));
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(0, UNKNOWN_FLAG, 3, NULL), ERR_BAD_HANDLE);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(scene.pipe.consumer, UNKNOWN_FLAG, 3, NULL),
                  ERR_WRONG_TYPE);
    CHECK(remove_rights(&scene.pipe.producer, MX_RIGHT_WRITE));
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(scene.pipe.producer, UNKNOWN_FLAG, 3, NULL),
                  ERR_ACCESS_DENIED);
    CHECK(scene_end(&scene));
}

TEST(mx_datapipe_write, then_come_flags_busy_elements_and_the_closed_consumer) {
    struct scene scene;
    uintptr_t address;
    CHECK(scene_create(&scene));
    EXPECT_EQUAL(mx_datapipe_begin_write(scene.pipe.producer, 0, &address), 2 * ELEMENT);
    pipe_close_consumer(&scene.pipe);
    mx_handle_t producer = scene.pipe.producer;
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(producer, UNKNOWN_FLAG, 3, NULL),
                  ERR_NOT_SUPPORTED);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(producer, ALL_OR_NONE, 3, NULL), ERR_BUSY);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(producer, 0, 0, NULL), ERR_BUSY);
    EXPECT_OK(mx_datapipe_end_write(producer, 0));
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(producer, ALL_OR_NONE, 3, NULL), ERR_INVALID_ARGS);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(producer, 0, 0, NULL), ERR_REMOTE_CLOSED);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(producer, ALL_OR_NONE, 400, NULL),
                  ERR_REMOTE_CLOSED);
    pipe_destroy(&scene.pipe);
}

TEST(mx_datapipe_write, then_come_room_all_or_none_and_the_buffer) {
    struct scene scene;
    CHECK(scene_create(&scene));
    EXPECT_STATUS(
        (mx_status_t)mx_datapipe_write(scene.pipe.producer, ALL_OR_NONE, 3 * ELEMENT, NULL),
        ERR_OUT_OF_RANGE);
    EXPECT_STATUS(
        (mx_status_t)mx_datapipe_write(scene.pipe.producer, ALL_OR_NONE, 2 * ELEMENT, NULL),
        ERR_INVALID_ARGS);
    CHECK(expect_unchanged(&scene.pipe, &scene.before));
    CHECK(pipe_fill(&scene.pipe, letters + 8, 2 * ELEMENT));
    snapshot_take(&scene.pipe, &scene.before);
    EXPECT_STATUS(
        (mx_status_t)mx_datapipe_write(scene.pipe.producer, ALL_OR_NONE, 3 * ELEMENT, NULL),
        ERR_SHOULD_WAIT);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(scene.pipe.producer, 0, 3, NULL),
                  ERR_INVALID_ARGS);
    CHECK(scene_end(&scene));
}
