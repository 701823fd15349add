/* What arrives: bytes whole and in order, handles with their rights and new values. */
#include "fixture.h"

#include <magenta/syscalls.h>
#include <stdlib.h>

static unsigned char pattern_at(uint32_t index, uint32_t seed) {
    return (unsigned char)(index * 7 + index / 256 + seed);
}

static void fill_pattern(unsigned char* bytes, uint32_t size, uint32_t seed) {
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = pattern_at(i, seed);
}

static bool has_pattern(const unsigned char* bytes, uint32_t size, uint32_t seed) {
    for (uint32_t i = 0; i < size; i++)
        if (bytes[i] != pattern_at(i, seed))
            return false;
    return true;
}

static unsigned char sent[ZX_CHANNEL_MAX_MSG_BYTES], received[ZX_CHANNEL_MAX_MSG_BYTES + 1];

TEST_BOTH(channel_write, messages_of_all_sizes_arrive_whole) {
    static const uint32_t sizes[] = {0,    1,    2,    63,   64,   65,   255,   256,   257,
                                     1000, 2047, 4095, 4096, 4097, 8192, 12345, 65535, 65536};
    zx_handle_t near, far;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    for (uint32_t i = 0; i < countof(sizes); i++) {
        uint32_t bytes = 99, handles = 99;
        fill_pattern(sent, sizes[i], i);
        EXPECT_OK(generation->write(near, 0, sizes[i] ? sent : NULL, sizes[i], NULL, 0));
        EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
        memset(received, 0xee, sizeof(received));
        EXPECT_OK(zx_channel_read(far, 0, received, NULL, sizeof(received), 0, &bytes, &handles));
        EXPECT_EQUAL(bytes, sizes[i]);
        EXPECT_EQUAL(handles, 0);
        EXPECT(has_pattern(received, sizes[i], i));
        EXPECT_EQUAL(received[sizes[i]], 0xee);
        CHECK(expect_empty(far));
    }
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}

TEST_BOTH(channel_write, up_to_64_handles_arrive_in_order) {
    static const uint32_t counts[] = {0, 1, 2, 31, 63, 64};
    for (uint32_t i = 0; i < countof(counts); i++) {
        zx_handle_t near, far, arrived[CARGO_MAX];
        struct cargo cargo;
        uint32_t bytes, count;
        EXPECT_OK(zx_channel_create(0, &near, &far));
        CHECK(cargo_create(&cargo, counts[i]));
        EXPECT_OK(generation->write(near, 0, "h", 1, counts[i] ? cargo.handles : NULL, counts[i]));
        CHECK(cargo_expect_travelling(&cargo));
        EXPECT_OK(zx_channel_read(far, 0, received, arrived, 1, CARGO_MAX, &bytes, &count));
        EXPECT_EQUAL(count, counts[i]);
        for (uint32_t k = 0; k < count; k++)
            EXPECT(arrived[k] != cargo.handles[k]);
        memcpy(cargo.handles, arrived, count * sizeof(arrived[0]));
        CHECK(cargo_expect_kept(&cargo));
        cargo_destroy(&cargo);
        EXPECT_OK(zx_handle_close(near));
        EXPECT_OK(zx_handle_close(far));
    }
}

TEST_BOTH(channel_write, rights_travel_unchanged) {
    zx_handle_t near, far, event, handle;
    uint32_t bytes, count;
    EXPECT_OK(generation->create(0, &near, &far));
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t sparse = duplicate_without(event, ZX_RIGHT_SIGNAL | ZX_RIGHT_DUPLICATE);
    zx_rights_t rights = handle_rights(sparse);
    EXPECT_OK(generation->write(near, 0, NULL, 0, &sparse, 1));
    EXPECT_OK(generation->read(far, 0, NULL, &handle, 0, 1, &bytes, &count));
    EXPECT_EQUAL(handle_rights(handle), rights);
    EXPECT_EQUAL(handle_koid(handle), handle_koid(event));
    const zx_handle_t handles[] = {near, far, event, handle};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

TEST_BOTH(channel_write, messages_keep_their_order) {
    zx_handle_t near, far;
    uint32_t bytes, count, value;
    EXPECT_OK(generation->create(0, &near, &far));
    for (uint32_t i = 0; i < 1000; i++)
        EXPECT_OK(generation->write(near, 0, &i, sizeof(i), NULL, 0));
    for (uint32_t i = 0; i < 1000; i++) {
        EXPECT_OK(generation->read(far, 0, &value, NULL, sizeof(value), 0, &bytes, &count));
        EXPECT_EQUAL(value, i);
    }
    CHECK(expect_empty(far));
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}

TEST_BOTH(channel_write, queued_messages_outlive_the_writer) {
    zx_handle_t near, far;
    uint32_t bytes, count;
    char byte;
    EXPECT_OK(generation->create(0, &near, &far));
    EXPECT_OK(generation->write(near, 0, "a", 1, NULL, 0));
    EXPECT_OK(zx_handle_close(near));
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
    EXPECT_OK(generation->read(far, 0, &byte, NULL, 1, 0, &bytes, &count));
    EXPECT_EQUAL(byte, 'a');
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_PEER_CLOSED);
    EXPECT_STATUS(generation->read(far, 0, &byte, NULL, 1, 0, &bytes, &count), ZX_ERR_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(far));
}

TEST_BOTH(channel_write, unread_handles_are_released_with_the_channel) {
    zx_handle_t near, far;
    struct cargo cargo;
    EXPECT_OK(generation->create(0, &near, &far));
    CHECK(cargo_create(&cargo, CARGO_MAX));
    EXPECT_OK(generation->write(near, 0, NULL, 0, cargo.handles, cargo.count));
    EXPECT_OK(zx_handle_close(near));
    CHECK(cargo_expect_travelling(&cargo));
    EXPECT_OK(zx_handle_close(far));
    CHECK(cargo_expect_discarded(&cargo));
    cargo_destroy(&cargo);
}

TEST_BOTH(channel_write, the_far_end_can_be_sent_through_the_near_one) {
    zx_handle_t near, far;
    EXPECT_OK(generation->create(0, &near, &far));
    EXPECT_OK(generation->write(near, 0, "x", 1, &far, 1));
    EXPECT(!handle_is_valid(far));
    EXPECT_OK(generation->write(near, 0, "y", 1, NULL, 0));
    EXPECT_OK(zx_handle_close(near));
}

/* Each channel holds the next one in its queue: closing the first must release them all, in little
 * stack. */
TEST(channel, a_chain_of_10000_is_released_from_one_end) {
    zx_handle_t first_far, inner;
    zx_info_kernel_memory_t before = kernel_memory();
    EXPECT_OK(zx_channel_create(0, &inner, &first_far));
    zx_handle_t outer = first_far;
    for (int i = 0; i < 10000; i++) {
        zx_handle_t near, far;
        EXPECT_OK(zx_channel_create(0, &near, &far));
        EXPECT_OK(zx_channel_write(near, 0, NULL, 0, &outer, 1));
        EXPECT_OK(zx_handle_close(near));
        outer = far;
    }
    EXPECT_EQUAL(object_signals(inner), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_handle_close(outer));
    EXPECT(wait_for(inner, ZX_CHANNEL_PEER_CLOSED, ZX_SEC(10)));
    EXPECT_OK(zx_handle_close(inner));
    CHECK(expect_no_leak(&before, 8));
}
