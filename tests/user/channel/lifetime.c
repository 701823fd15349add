/* What is left over when everything is closed: nothing. */
#include "fixture.h"

#include <helper.h>
#include <magenta/syscalls.h>
#include <stdlib.h>

/* --- cycles ------------------------------------------------------------------------------- */

/* The far end waits at itself, with a witness. */
static void send_into_own_peer(const struct generation* generation, uint32_t other_messages) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    for (uint32_t i = 0; i < other_messages; i++)
        EXPECT_OK(generation->write(fixture.near, 0, "m", 1, NULL, 0));
    const zx_handle_t handles[] = {fixture.cargo.handles[0], fixture.far};
    EXPECT_OK(generation->write(fixture.near, 0, "x", 1, handles, 2));
    EXPECT(!handle_is_valid(fixture.far));
    EXPECT_EQUAL(object_signals(fixture.cargo.witnesses[0]), ZX_CHANNEL_WRITABLE);
    EXPECT_EQUAL(object_signals(fixture.near), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_handle_close(fixture.near));
    /* At once, or a moment later if the collector was busy. */
    EXPECT(wait_for(fixture.cargo.witnesses[0], ZX_CHANNEL_PEER_CLOSED, ZX_SEC(60)));
    EXPECT_EQUAL(object_signals(fixture.cargo.witnesses[0]), ZX_CHANNEL_PEER_CLOSED);
    cargo_destroy(&fixture.cargo);
}

TEST_BOTH(channel_write, a_channel_sent_into_its_own_peer_is_released) {
    CHECK(send_into_own_peer(generation, 3)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    for (uint32_t i = 0; i < 200; i++)
        CHECK(send_into_own_peer(generation, i % 7));
    CHECK(expect_no_leak(&before, 8));
}

/* As long as there is another way in, nothing is released. */
TEST(channel, a_cycle_with_a_handle_outside_lives) {
    struct fixture fixture;
    zx_handle_t handles[2];
    uint32_t count;
    char byte;
    CHECK(fixture_create(&fixture));
    zx_handle_t outside = duplicate(fixture.far);
    const zx_handle_t sent[] = {fixture.cargo.handles[0], fixture.far};
    EXPECT_OK(zx_channel_write(fixture.near, 0, "x", 1, sent, 2));
    EXPECT_OK(zx_handle_close(fixture.near));
    EXPECT_EQUAL(object_signals(fixture.cargo.witnesses[0]), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_channel_read(outside, 0, &byte, handles, 1, 2, NULL, &count));
    EXPECT_EQUAL(count, 2);
    fixture.cargo.handles[0] = handles[0];
    CHECK(cargo_expect_kept(&fixture.cargo));
    EXPECT_EQUAL(handle_koid(handles[1]), handle_koid(outside));
    EXPECT_OK(zx_handle_close(handles[1]));
    EXPECT_OK(zx_handle_close(outside));
    cargo_destroy(&fixture.cargo);
}

/* The queue on the cycle was in use before: what was taken from it counts, and does not matter. */
static void send_after_reading(uint32_t count) {
    struct fixture fixture;
    char byte;
    CHECK(fixture_create(&fixture));
    for (uint32_t i = 0; i < count; i++) {
        EXPECT_OK(zx_channel_write(fixture.near, 0, "m", 1, NULL, 0));
        EXPECT_OK(zx_channel_read(fixture.far, 0, &byte, NULL, 1, 0, NULL, NULL));
    }
    const zx_handle_t handles[] = {fixture.cargo.handles[0], fixture.far};
    EXPECT_OK(zx_channel_write(fixture.near, 0, "x", 1, handles, 2));
    EXPECT_OK(zx_handle_close(fixture.near));
    EXPECT(wait_for(fixture.cargo.witnesses[0], ZX_CHANNEL_PEER_CLOSED, ZX_SEC(60)));
    cargo_destroy(&fixture.cargo);
}

TEST(channel, a_cycle_through_an_end_that_was_read_before_is_released) {
    CHECK(send_after_reading(1)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    for (uint32_t i = 1; i < 40; i++)
        CHECK(send_after_reading(i));
    CHECK(expect_no_leak(&before, 8));
}

/* The collector does this when it has gathered more; asking for the kernel's memory hurries it. */
static void send_behind(uint32_t count) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    for (uint32_t i = 0; i < count; i++)
        EXPECT_OK(zx_channel_write(fixture.near, 0, "m", 1, NULL, 0));
    const zx_handle_t handles[] = {fixture.cargo.handles[0], fixture.far};
    EXPECT_OK(zx_channel_write(fixture.near, 0, "x", 1, handles, 2));
    EXPECT_OK(zx_handle_close(fixture.near));
    (void)kernel_memory();
    EXPECT_EQUAL(object_signals(fixture.cargo.witnesses[0]), ZX_CHANNEL_PEER_CLOSED);
    cargo_destroy(&fixture.cargo);
}

/* More messages before the handle than the collector looks at in one piece. */
TEST(channel, a_cycle_whose_handle_waits_behind_many_messages_is_released) {
    static const uint32_t counts[] = {31, 32, 33, 34, 63, 64, 65, 66, 100, 300};
    CHECK(send_behind(300)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    for (size_t i = 0; i < countof(counts); i++)
        CHECK(send_behind(counts[i]));
    CHECK(expect_no_leak(&before, 8));
}

/* Channel i's far end waits at channel i + 1, all round. */
static void make_ring(uint32_t size) {
    zx_handle_t* near = calloc(size, sizeof(*near));
    zx_handle_t* far = calloc(size, sizeof(*far));
    EXPECT(near && far);
    for (uint32_t i = 0; i < size; i++)
        EXPECT_OK(zx_channel_create(0, &near[i], &far[i]));
    for (uint32_t i = 0; i < size; i++)
        EXPECT_OK(zx_channel_write(near[i], 0, "r", 1, &far[(i + 1) % size], 1));
    for (uint32_t i = 0; i < size; i++)
        EXPECT_OK(zx_handle_close(near[i]));
    free(near);
    free(far);
}

TEST(channel, rings_of_channels_are_released) {
    CHECK(make_ring(20));
    zx_info_kernel_memory_t before = kernel_memory();
    for (uint32_t i = 0; i < 100; i++)
        CHECK(make_ring(2 + i % 19));
    CHECK(expect_no_leak(&before, 8));
}

/* --- processes that end ------------------------------------------------------------------- */

#define MANY_HANDLES 100000u

/* Holds as many handles, to channels and events, and says so. */
HELPER(hoarder) {
    zx_handle_t ends[2], event, copy;
    if (zx_channel_create(0, &ends[0], &ends[1]) != ZX_OK || zx_event_create(0, &event) != ZX_OK)
        return 1;
    for (uint32_t count = 3; count < MANY_HANDLES;) {
        bool is_channel = count % 100 == 0 && count + 2 <= MANY_HANDLES;
        zx_status_t status = is_channel ? zx_channel_create(0, &ends[0], &ends[1])
                                        : zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy);
        if (status != ZX_OK)
            return 2;
        count += is_channel ? 2 : 1;
    }
    helper_report_ready(channel);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

static void kill_hoarder(void) {
    struct helper helper;
    CHECK(helper_start(&helper, "hoarder"));
    CHECK(helper_wait_until_ready(&helper));
    size_t actual, available;
    EXPECT_OK(
        zx_object_get_info(helper.process, ZX_INFO_HANDLE_TABLE, NULL, 0, &actual, &available));
    EXPECT(available >= MANY_HANDLES);
    CHECK(helper_kill(&helper));
    EXPECT_EQUAL(object_signals(helper.channel), ZX_CHANNEL_PEER_CLOSED);
    helper_close(&helper);
}

TEST(channel_processes, a_process_killed_with_100000_handles_leaves_nothing) {
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(kill_hoarder());
    CHECK(expect_no_leak(&before, 64));
}

#define FULL_MESSAGES 500u

/* Reads nothing, ever; each message holds as many handles as it can. */
HELPER(reads_nothing) {
    helper_report_ready(channel);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

TEST(channel_processes, a_process_killed_with_messages_full_of_handles_releases_them) {
    struct helper helper;
    zx_handle_t event, handles[CARGO_MAX];
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(helper_start(&helper, "reads_nothing"));
    CHECK(helper_wait_until_ready(&helper));
    EXPECT_OK(zx_event_create(0, &event));
    for (uint32_t i = 0; i < FULL_MESSAGES; i++) {
        for (uint32_t k = 0; k < CARGO_MAX; k++)
            handles[k] = duplicate(event);
        EXPECT_OK(zx_channel_write(helper.channel, 0, "full", 4, handles, CARGO_MAX));
    }
    EXPECT_EQUAL(object_handle_count(event), 1 + FULL_MESSAGES * CARGO_MAX);
    CHECK(helper_kill(&helper));
    EXPECT_EQUAL(object_handle_count(event), 1);
    EXPECT_OK(zx_handle_close(event));
    helper_close(&helper);
    CHECK(expect_no_leak(&before, 64));
}
