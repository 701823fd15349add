/* Buffers that another thread unmaps and maps again while the kernel copies. */
#include "fixture.h"

#include <flicker.h>

#define SIZE ZX_CHANNEL_MAX_MSG_BYTES

static char pattern[SIZE], seen[SIZE];

/* A channel, memory that flickers, which has the pattern, and an event to send along. */
struct scene {
    struct fixture fixture;
    struct flicker flicker;
    zx_handle_t event;
};

static void scene_create(struct scene* scene) {
    for (uint32_t i = 0; i < SIZE; i++)
        pattern[i] = (char)(i * 11 + i / 256);
    CHECK(fixture_create(&scene->fixture));
    EXPECT_OK(zx_event_create(0, &scene->event));
    CHECK(flicker_start(&scene->flicker, SIZE));
    EXPECT_OK(zx_vmo_write(scene->flicker.vmo, pattern, 0, SIZE));
}

static void scene_destroy(struct scene* scene) {
    CHECK(flicker_stop(&scene->flicker));
    EXPECT_OK(zx_handle_close(scene->event));
    fixture_destroy(&scene->fixture);
}

/* The message waits at the far end, whole. */
static void expect_message(const struct scene* scene, const struct generation* generation) {
    zx_handle_t arrived;
    uint32_t size = 0, count = 0;
    EXPECT_OK(generation->read(scene->fixture.far, 0, seen, &arrived, SIZE, 1, &size, &count));
    EXPECT_EQUAL(size, SIZE);
    EXPECT_EQUAL(count, 1);
    EXPECT_BYTES(seen, pattern, SIZE);
    EXPECT_EQUAL(handle_koid(arrived), handle_koid(scene->event));
    EXPECT_OK(zx_handle_close(arrived));
}

static void write_once(const struct generation* generation, struct scene* scene) {
    zx_handle_t sent = duplicate(scene->event);
    zx_status_t status =
        generation->write(scene->fixture.near, 0, scene->flicker.bytes, SIZE, &sent, 1);
    flicker_count(&scene->flicker, status == ZX_OK);
    if (status == ZX_OK) {
        CHECK(expect_message(scene, generation));
    } else {
        EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(handle_is_valid(sent), !generation->discards);
        zx_handle_close(sent);
        CHECK(expect_empty(scene->fixture.far));
    }
    EXPECT_EQUAL(object_handle_count(scene->event), 1);
}

TEST_BOTH(channel_write, bytes_unmapped_during_the_copy_arrive_whole_or_not_at_all) {
    struct scene scene;
    CHECK(scene_create(&scene));
    while (!flicker_is_over(&scene.flicker))
        write_once(generation, &scene);
    CHECK(scene_destroy(&scene));
}

/* A read that failed has left the message where it was, handle and all. */
static void read_once(const struct generation* generation, struct scene* scene) {
    zx_handle_t handle = duplicate(scene->event);
    uint32_t size = 0, count = 0;
    EXPECT_OK(zx_channel_write(scene->fixture.near, 0, pattern, SIZE, &handle, 1));
    EXPECT_OK(zx_vmo_write(scene->flicker.vmo, "????", SIZE / 2 - 2, 4));
    zx_status_t status = generation->read(scene->fixture.far, 0, scene->flicker.bytes, &handle,
                                          SIZE, 1, &size, &count);
    flicker_count(&scene->flicker, status == ZX_OK);
    if (status == ZX_OK) {
        EXPECT_EQUAL(size, SIZE);
        EXPECT_EQUAL(count, 1);
        EXPECT_OK(zx_vmo_read(scene->flicker.vmo, seen, 0, SIZE));
        EXPECT_BYTES(seen, pattern, SIZE);
        EXPECT_EQUAL(handle_koid(handle), handle_koid(scene->event));
        EXPECT_OK(zx_handle_close(handle));
    } else {
        EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(size, 0);
        EXPECT_EQUAL(count, 0);
        CHECK(expect_message(scene, generation));
    }
    EXPECT_EQUAL(object_handle_count(scene->event), 1);
}

TEST_BOTH(channel_read, a_buffer_unmapped_during_the_copy_gets_the_message_or_leaves_it) {
    struct scene scene;
    CHECK(scene_create(&scene));
    while (!flicker_is_over(&scene.flicker))
        read_once(generation, &scene);
    CHECK(scene_destroy(&scene));
}
