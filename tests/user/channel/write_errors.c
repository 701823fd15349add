/* Every row of the error table of channel_write, in both generations: the status, and that the
 * handles of the array are discarded (zx) or stay (mx). */
#include "fixture.h"

#include <magenta/syscalls.h>
#include <stdlib.h>

/* --- options, handle ---------------------------------------------------------------------- */

TEST_BOTH(channel_write, options_are_invalid_args) {
    static const uint32_t options[] = {1, 2, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < countof(options); i++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture));
        zx_status_t status = generation->write(fixture.near, options[i], "x", 1,
                                               fixture.cargo.handles, fixture.cargo.count);
        CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_INVALID_ARGS));
        fixture_destroy(&fixture);
    }
}

TEST_BOTH(channel_write, invalid_handle_is_bad_handle) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, INT32_MIN, INT32_MAX, stale_handle()};
    for (size_t i = 0; i < countof(bad); i++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture));
        zx_status_t status =
            generation->write(bad[i], 0, "x", 1, fixture.cargo.handles, fixture.cargo.count);
        CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_BAD_HANDLE));
        fixture_destroy(&fixture);
    }
}

TEST_BOTH(channel_write, other_object_is_wrong_type) {
    struct fixture fixture;
    zx_handle_t event;
    CHECK(fixture_create(&fixture));
    EXPECT_OK(zx_event_create(0, &event));
    zx_status_t status =
        generation->write(event, 0, "x", 1, fixture.cargo.handles, fixture.cargo.count);
    CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_WRONG_TYPE));
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_OK(zx_handle_close(event));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_write, missing_write_right_is_access_denied) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    zx_handle_t no_write = duplicate_without(fixture.near, ZX_RIGHT_WRITE);
    zx_status_t status =
        generation->write(no_write, 0, "x", 1, fixture.cargo.handles, fixture.cargo.count);
    EXPECT_OK(zx_handle_close(no_write));
    CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_ACCESS_DENIED));
    fixture_destroy(&fixture);
}

/* --- sizes -------------------------------------------------------------------------------- */

static char large[ZX_CHANNEL_MAX_MSG_BYTES + 1];

TEST_BOTH(channel_write, too_many_bytes_are_out_of_range) {
    static const uint32_t sizes[] = {ZX_CHANNEL_MAX_MSG_BYTES + 1, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < countof(sizes); i++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture));
        zx_status_t status = generation->write(fixture.near, 0, large, sizes[i],
                                               fixture.cargo.handles, fixture.cargo.count);
        CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_OUT_OF_RANGE));
        fixture_destroy(&fixture);
    }
}

/* Events suffice here: `handles` are all of one object, whose handles are counted. */
static void write_many_handles(const struct generation* generation, uint32_t count) {
    struct fixture fixture;
    zx_handle_t event;
    zx_handle_t* handles = malloc(count * sizeof(*handles));
    EXPECT(handles);
    CHECK(fixture_create(&fixture));
    EXPECT_OK(zx_event_create(0, &event));
    for (uint32_t i = 0; i < count; i++)
        EXPECT_OK(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &handles[i]));
    EXPECT_STATUS(generation->write(fixture.near, 0, "x", 1, handles, count), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQUAL(object_handle_count(event), generation->discards ? 1 : count + 1);
    CHECK(expect_empty(fixture.far));
    if (!generation->discards)
        EXPECT_OK(zx_handle_close_many(handles, count));
    free(handles);
    EXPECT_OK(zx_handle_close(event));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_write, too_many_handles_are_out_of_range) {
    CHECK(write_many_handles(generation, ZX_CHANNEL_MAX_MSG_HANDLES + 1));
    CHECK(write_many_handles(generation, 1000));
}

/* The array ends at a page's end long before the count does: what can be read is discarded. */
TEST_BOTH(channel_write, absurd_handle_count_is_out_of_range) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    size_t size = fixture.cargo.count * sizeof(zx_handle_t);
    zx_handle_t* handles = (zx_handle_t*)guarded_buffer(PAGE_SIZE_BYTES);
    EXPECT(handles);
    memset(handles, 0, PAGE_SIZE_BYTES);
    memcpy(handles, fixture.cargo.handles, size);
    zx_status_t status = generation->write(fixture.near, 0, "x", 1, handles, UINT32_MAX);
    CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_OUT_OF_RANGE));
    guarded_buffer_free((char*)handles, PAGE_SIZE_BYTES);
    fixture_destroy(&fixture);
}

/* --- pointers ----------------------------------------------------------------------------- */

TEST_BOTH(channel_write, bad_bytes_pointer_is_invalid_args) {
    static const uint32_t sizes[] = {1, 64, 4096, ZX_CHANNEL_MAX_MSG_BYTES};
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT * countof(sizes); i++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture));
        zx_status_t status =
            generation->write(fixture.near, 0, bad[i / countof(sizes)], sizes[i % countof(sizes)],
                              fixture.cargo.handles, fixture.cargo.count);
        CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_INVALID_ARGS));
        fixture_destroy(&fixture);
    }
}

/* The buffer is good up to the last byte but one. */
TEST_BOTH(channel_write, bytes_that_run_into_nothing_are_invalid_args) {
    static const uint32_t sizes[] = {2, 65, 4097, ZX_CHANNEL_MAX_MSG_BYTES};
    for (size_t i = 0; i < countof(sizes); i++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture));
        char* bytes = guarded_buffer(sizes[i] - 1);
        EXPECT(bytes);
        zx_status_t status = generation->write(fixture.near, 0, bytes, sizes[i],
                                               fixture.cargo.handles, fixture.cargo.count);
        CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_INVALID_ARGS));
        guarded_buffer_free(bytes, sizes[i] - 1);
        fixture_destroy(&fixture);
    }
}

TEST_BOTH(channel_write, bad_handles_pointer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        zx_handle_t near, far;
        EXPECT_OK(zx_channel_create(0, &near, &far));
        EXPECT_STATUS(generation->write(near, 0, "x", 1, bad[i], 2), ZX_ERR_INVALID_ARGS);
        CHECK(expect_empty(far));
        EXPECT_OK(zx_handle_close(near));
        EXPECT_OK(zx_handle_close(far));
    }
}

/* The array ends at a page's end, before its count does: it cannot be read as a whole, so nothing
 * of it is discarded. */
TEST_BOTH(channel_write, handles_that_run_into_nothing_are_invalid_args_and_stay) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    size_t size = fixture.cargo.count * sizeof(zx_handle_t);
    zx_handle_t* handles = (zx_handle_t*)guarded_buffer(size);
    EXPECT(handles);
    memcpy(handles, fixture.cargo.handles, size);
    EXPECT_STATUS(generation->write(fixture.near, 0, "x", 1, handles, fixture.cargo.count + 1),
                  ZX_ERR_INVALID_ARGS);
    CHECK(cargo_expect_kept(&fixture.cargo));
    CHECK(expect_empty(fixture.far));
    guarded_buffer_free((char*)handles, size);
    fixture_destroy(&fixture);
}

/* --- elements of the array -------------------------------------------------------------------- */

/* Writes the three handles with `odd` before the one at `place`. */
static zx_status_t write_with(const struct generation* generation, struct fixture* fixture,
                              zx_handle_t odd, uint32_t place) {
    zx_handle_t handles[4];
    for (uint32_t i = 0, next = 0; i < countof(handles); i++)
        handles[i] = i == place ? odd : fixture->cargo.handles[next++];
    return generation->write(fixture->near, 0, "x", 1, handles, countof(handles));
}

TEST_BOTH(channel_write, invalid_element_is_bad_handle) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, INT32_MAX, stale_handle()};
    for (uint32_t i = 0; i < countof(bad) * 4; i++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture));
        zx_status_t status = write_with(generation, &fixture, bad[i / 4], i % 4);
        CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_BAD_HANDLE));
        fixture_destroy(&fixture);
    }
}

TEST_BOTH(channel_write, element_without_transfer_right_is_access_denied) {
    for (uint32_t place = 0; place < 4; place++) {
        struct fixture fixture;
        zx_handle_t event;
        CHECK(fixture_create(&fixture));
        EXPECT_OK(zx_event_create(0, &event));
        zx_handle_t fixed = duplicate_without(event, ZX_RIGHT_TRANSFER);
        zx_status_t status = write_with(generation, &fixture, fixed, place);
        CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_ACCESS_DENIED));
        EXPECT_EQUAL(handle_is_valid(fixed), !generation->discards);
        EXPECT_EQUAL(object_handle_count(event), generation->discards ? 1 : 2);
        zx_handle_close(fixed);
        EXPECT_OK(zx_handle_close(event));
        fixture_destroy(&fixture);
    }
}

static void repeated_row(const struct generation* generation) {
    for (uint32_t i = 0; i < 12; i++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture));
        zx_status_t status = write_with(generation, &fixture, fixture.cargo.handles[i / 4], i % 4);
        CHECK(expect_write_failed(&fixture, generation, status, generation->repeated));
        fixture_destroy(&fixture);
    }
}
TEST(zx_channel_write, duplicate_handle_is_bad_handle_and_all_are_discarded) {
    CHECK(repeated_row(&zx));
}
TEST(mx_channel_write, duplicate_handle_is_invalid_args_and_all_stay) {
    CHECK(repeated_row(&mx));
}

/* Two different handles to one object are no repetition. */
TEST_BOTH(channel_write, two_handles_to_one_object_are_fine) {
    zx_handle_t near, far, event, handles[2], received[2];
    uint32_t bytes, count;
    EXPECT_OK(generation->create(0, &near, &far));
    EXPECT_OK(zx_event_create(0, &event));
    handles[0] = event;
    handles[1] = duplicate(event);
    EXPECT_OK(generation->write(near, 0, NULL, 0, handles, 2));
    EXPECT_OK(generation->read(far, 0, NULL, received, 0, 2, &bytes, &count));
    EXPECT_EQUAL(count, 2);
    EXPECT_EQUAL(handle_koid(received[0]), handle_koid(received[1]));
    EXPECT_OK(zx_handle_close_many(received, 2));
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}

/* --- the channel itself ----------------------------------------------------------------------- */

static void expect_self_refused(const struct generation* generation, struct fixture* fixture,
                                zx_status_t status) {
    EXPECT_STATUS(status, ZX_ERR_NOT_SUPPORTED);
    EXPECT_EQUAL(handle_is_valid(fixture->near), !generation->discards);
    if (generation->discards) {
        CHECK(cargo_expect_discarded(&fixture->cargo));
        EXPECT_EQUAL(object_signals(fixture->far), ZX_CHANNEL_PEER_CLOSED);
    } else {
        CHECK(cargo_expect_kept(&fixture->cargo));
        CHECK(expect_empty(fixture->far));
    }
}

static void self_row(const struct generation* generation) {
    for (uint32_t place = 0; place < 4; place++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture));
        zx_status_t status = write_with(generation, &fixture, fixture.near, place);
        CHECK(expect_self_refused(generation, &fixture, status));
        if (generation->discards)
            fixture.near = ZX_HANDLE_INVALID;
        fixture_destroy(&fixture);
    }
}
TEST(zx_channel_write, the_channel_itself_is_not_supported_and_is_closed_with_the_rest) {
    CHECK(self_row(&zx));
}
TEST(mx_channel_write, the_channel_itself_is_not_supported_and_all_stay) {
    CHECK(self_row(&mx));
}

TEST_BOTH(channel_write, another_handle_to_the_same_end_is_not_supported) {
    for (uint32_t place = 0; place < 4; place++) {
        struct fixture fixture;
        CHECK(fixture_create(&fixture));
        zx_handle_t copy = duplicate(fixture.near);
        zx_status_t status = write_with(generation, &fixture, copy, place);
        EXPECT_EQUAL(handle_is_valid(copy), !generation->discards);
        zx_handle_close(copy);
        CHECK(expect_write_failed(&fixture, generation, status, ZX_ERR_NOT_SUPPORTED));
        fixture_destroy(&fixture);
    }
}

TEST_BOTH(channel_write, closed_peer_is_peer_closed) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    CHECK(fixture_close_far(&fixture));
    EXPECT_STATUS(
        generation->write(fixture.near, 0, "x", 1, fixture.cargo.handles, fixture.cargo.count),
        ZX_ERR_PEER_CLOSED);
    CHECK(cargo_expect_fate(&fixture.cargo, generation->discards));
    EXPECT_EQUAL(handle_rights(fixture.near), CHANNEL_RIGHTS);
    EXPECT_EQUAL(object_signals(fixture.near), ZX_CHANNEL_PEER_CLOSED);
    fixture_destroy(&fixture);
}

/* --- the queue's bound ------------------------------------------------------------------------ */

TEST_BOTH(channel_write, full_queue_is_no_memory) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    CHECK(fill_queue(fixture.near));
    EXPECT_EQUAL(object_signals(fixture.near), 0);
    EXPECT_STATUS(
        generation->write(fixture.near, 0, "x", 1, fixture.cargo.handles, fixture.cargo.count),
        ZX_ERR_NO_MEMORY);
    CHECK(cargo_expect_fate(&fixture.cargo, generation->discards));
    EXPECT_EQUAL(handle_rights(fixture.near), CHANNEL_RIGHTS);
    EXPECT_EQUAL(object_signals(fixture.near), 0);
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_write, each_direction_has_a_bound_of_its_own) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture));
    CHECK(fill_queue(fixture.near));
    EXPECT_EQUAL(object_signals(fixture.far), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    EXPECT_OK(generation->write(fixture.far, 0, "x", 1, NULL, 0));
    EXPECT_EQUAL(object_signals(fixture.near), ZX_CHANNEL_READABLE);
    fixture_destroy(&fixture);
}
