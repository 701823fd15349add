/* Calls that fail before the message is written: the status, that nothing was sent or stored, and
 * that the handles are discarded (zx) or stay (mx). */
#include "fixture.h"

#include <stdlib.h>

/* A channel, and a call through it with the cargo. */
struct attempt {
    struct fixture fixture;
    struct call call;
};

static void attempt_create(struct attempt* attempt, const struct generation* generation) {
    CHECK(fixture_create(&attempt->fixture));
    struct call* call = &attempt->call;
    call_init(call, generation, attempt->fixture.near, 1);
    call->args.wr_handles = attempt->fixture.cargo.handles;
    call->args.wr_num_handles = attempt->fixture.cargo.count;
    call->deadline = 0; /* if it is written after all, it ends */
}

/* The call has failed with `status`; looks at everything, and tidies up. */
static void attempt_expect(struct attempt* attempt, zx_status_t status) {
    struct fixture* fixture = &attempt->fixture;
    CHECK(call_expect_write_failure(&attempt->call, status));
    CHECK(cargo_expect_fate(&fixture->cargo, attempt->call.generation->discards &&
                                                 attempt->call.args.wr_num_handles > 0));
    EXPECT_EQUAL(handle_rights(fixture->near), CHANNEL_RIGHTS);
    EXPECT_EQUAL(object_handle_count(fixture->near), 1);
    CHECK(expect_empty(fixture->near));
    CHECK(expect_empty(fixture->far));
    fixture_destroy(fixture);
}

/* --- options, handle ---------------------------------------------------------------------- */

TEST_BOTH(channel_call, options_are_invalid_args) {
    static const uint32_t options[] = {1, 2, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < countof(options); i++) {
        struct attempt attempt;
        struct call* call = &attempt.call;
        CHECK(attempt_create(&attempt, generation));
        call->status =
            generation->call(call->handle, options[i], 0, &call->args, &call->actual_bytes,
                             &call->actual_handles, &call->read_status);
        CHECK(attempt_expect(&attempt, ZX_ERR_INVALID_ARGS));
    }
}

TEST_BOTH(channel_call, invalid_handle_is_bad_handle) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, INT32_MIN, INT32_MAX, stale_handle()};
    for (size_t i = 0; i < countof(bad); i++) {
        struct attempt attempt;
        CHECK(attempt_create(&attempt, generation));
        attempt.call.handle = bad[i];
        call_run(&attempt.call);
        CHECK(attempt_expect(&attempt, ZX_ERR_BAD_HANDLE));
    }
}

TEST_BOTH(channel_call, other_object_is_wrong_type) {
    zx_handle_t others[3];
    EXPECT_OK(zx_event_create(0, &others[0]));
    EXPECT_STATUS(mx_msgpipe_create(others + 1, 0), MX_OK);
    for (size_t i = 0; i < countof(others); i++) {
        struct attempt attempt;
        CHECK(attempt_create(&attempt, generation));
        attempt.call.handle = others[i];
        call_run(&attempt.call);
        CHECK(attempt_expect(&attempt, ZX_ERR_WRONG_TYPE));
    }
    EXPECT_EQUAL(object_signals(others[1]), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_handle_close_many(others, countof(others)));
}

TEST_BOTH(channel_call, missing_read_or_write_right_is_access_denied) {
    static const zx_rights_t missing[] = {ZX_RIGHT_READ, ZX_RIGHT_WRITE,
                                          ZX_RIGHT_READ | ZX_RIGHT_WRITE};
    for (size_t i = 0; i < countof(missing); i++) {
        struct attempt attempt;
        CHECK(attempt_create(&attempt, generation));
        attempt.call.handle = duplicate_without(attempt.fixture.near, missing[i]);
        call_run(&attempt.call);
        EXPECT_OK(zx_handle_close(attempt.call.handle));
        CHECK(attempt_expect(&attempt, ZX_ERR_ACCESS_DENIED));
    }
}

/* --- sizes -------------------------------------------------------------------------------- */

TEST_BOTH(channel_call, too_many_bytes_are_out_of_range) {
    static char large[ZX_CHANNEL_MAX_MSG_BYTES + 1];
    static const uint32_t sizes[] = {ZX_CHANNEL_MAX_MSG_BYTES + 1, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < countof(sizes); i++) {
        struct attempt attempt;
        CHECK(attempt_create(&attempt, generation));
        attempt.call.args.wr_bytes = large;
        attempt.call.args.wr_num_bytes = sizes[i];
        call_run(&attempt.call);
        CHECK(attempt_expect(&attempt, ZX_ERR_OUT_OF_RANGE));
    }
}

TEST_BOTH(channel_call, too_many_handles_are_out_of_range) {
    static const uint32_t counts[] = {CARGO_MAX + 1, 200};
    for (size_t i = 0; i < countof(counts); i++) {
        struct attempt attempt;
        zx_handle_t event, *handles = malloc(counts[i] * sizeof(*handles));
        EXPECT(handles);
        CHECK(attempt_create(&attempt, generation));
        EXPECT_OK(zx_event_create(0, &event));
        memcpy(handles, attempt.fixture.cargo.handles, 3 * sizeof(*handles));
        for (uint32_t k = 3; k < counts[i]; k++)
            handles[k] = duplicate(event);
        attempt.call.args.wr_handles = handles;
        attempt.call.args.wr_num_handles = counts[i];
        call_run(&attempt.call);
        EXPECT_EQUAL(object_handle_count(event), generation->discards ? 1 : counts[i] - 2);
        if (!generation->discards)
            EXPECT_OK(zx_handle_close_many(handles + 3, counts[i] - 3));
        EXPECT_OK(zx_handle_close(event));
        free(handles);
        CHECK(attempt_expect(&attempt, ZX_ERR_OUT_OF_RANGE));
    }
}

/* There is no room for the id. */
TEST(zx_channel_call, fewer_than_four_bytes_are_invalid_args) {
    for (uint32_t size = 0; size < 4; size++) {
        struct attempt attempt;
        CHECK(attempt_create(&attempt, &zx));
        attempt.call.args.wr_num_bytes = size;
        attempt.call.args.wr_bytes = size ? attempt.call.args.wr_bytes : NULL;
        call_run(&attempt.call);
        CHECK(attempt_expect(&attempt, ZX_ERR_INVALID_ARGS));
    }
}

/* --- pointers ----------------------------------------------------------------------------- */

/* The arguments cannot be read, so there is nothing to discard. */
TEST_BOTH(channel_call, bad_arguments_pointer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        struct attempt attempt;
        struct call* call = &attempt.call;
        CHECK(attempt_create(&attempt, generation));
        call->status = generation->call(call->handle, 0, 0, bad[i], &call->actual_bytes,
                                        &call->actual_handles, &call->read_status);
        CHECK(call_expect_write_failure(call, ZX_ERR_INVALID_ARGS));
        CHECK(cargo_expect_kept(&attempt.fixture.cargo));
        CHECK(expect_empty(attempt.fixture.far));
        fixture_destroy(&attempt.fixture);
    }
}

/* Which pointer of the call is bad. NULL for a size, or the status, means: not wanted. */
enum place { WR_BYTES, RD_BYTES, RD_HANDLES, ACTUAL_BYTES, ACTUAL_HANDLES, READ_STATUS };

static void call_with_bad_pointer(const struct generation* generation, bool has_cargo,
                                  enum place place, void* bad) {
    struct attempt attempt;
    struct call* call = &attempt.call;
    CHECK(attempt_create(&attempt, generation));
    if (!has_cargo)
        call->args.wr_num_handles = 0;
    call->args.rd_handles = call->reply_handles;
    call->args.rd_num_handles = 2;
    if (place == WR_BYTES)
        call->args.wr_bytes = bad;
    if (place == RD_BYTES)
        call->args.rd_bytes = bad;
    if (place == RD_HANDLES)
        call->args.rd_handles = bad;
    call->status = generation->call(call->handle, 0, 0, &call->args,
                                    place == ACTUAL_BYTES ? bad : &call->actual_bytes,
                                    place == ACTUAL_HANDLES ? bad : &call->actual_handles,
                                    place == READ_STATUS ? bad : &call->read_status);
    CHECK(attempt_expect(&attempt, ZX_ERR_INVALID_ARGS));
}

/* With handles to send and without: then the call has a special path. */
static void expect_refused(const struct generation* generation, enum place place) {
    void* bad[BAD_POINTER_COUNT];
    if (place == WR_BYTES)
        bad_pointers_to_read(bad);
    else
        bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        if (!bad[i] && place >= ACTUAL_BYTES)
            continue;
        CHECK(call_with_bad_pointer(generation, true, place, bad[i]));
        CHECK(call_with_bad_pointer(generation, false, place, bad[i]));
    }
}

TEST_BOTH(channel_call, bad_bytes_pointer_is_invalid_args) {
    CHECK(expect_refused(generation, WR_BYTES));
}

TEST_BOTH(channel_call, bad_place_for_the_bytes_of_the_reply_is_invalid_args) {
    CHECK(expect_refused(generation, RD_BYTES));
}

TEST_BOTH(channel_call, bad_place_for_the_handles_of_the_reply_is_invalid_args) {
    CHECK(expect_refused(generation, RD_HANDLES));
}

TEST_BOTH(channel_call, bad_actual_bytes_is_invalid_args) {
    CHECK(expect_refused(generation, ACTUAL_BYTES));
}

TEST_BOTH(channel_call, bad_actual_handles_is_invalid_args) {
    CHECK(expect_refused(generation, ACTUAL_HANDLES));
}

TEST(mx_channel_call, bad_read_status_is_invalid_args) {
    CHECK(expect_refused(&mx, READ_STATUS));
}

TEST_BOTH(channel_call, bad_handles_pointer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        struct attempt attempt;
        CHECK(attempt_create(&attempt, generation));
        attempt.call.args.wr_handles = bad[i];
        call_run(&attempt.call);
        CHECK(cargo_expect_kept(&attempt.fixture.cargo));
        CHECK(call_expect_write_failure(&attempt.call, ZX_ERR_INVALID_ARGS));
        CHECK(expect_empty(attempt.fixture.far));
        fixture_destroy(&attempt.fixture);
    }
}

/* The place for the reply ends one byte early. */
TEST_BOTH(channel_call, a_place_for_the_reply_that_runs_into_nothing_is_invalid_args) {
    static const uint32_t sizes[] = {8, 4096, ZX_CHANNEL_MAX_MSG_BYTES};
    for (size_t i = 0; i < countof(sizes); i++) {
        struct attempt attempt;
        char* place = guarded_buffer(sizes[i] - 1);
        EXPECT(place);
        CHECK(attempt_create(&attempt, generation));
        attempt.call.args.rd_bytes = place;
        attempt.call.args.rd_num_bytes = sizes[i];
        call_run(&attempt.call);
        CHECK(attempt_expect(&attempt, ZX_ERR_INVALID_ARGS));
        guarded_buffer_free(place, sizes[i] - 1);
    }
}

/* --- elements of the array ---------------------------------------------------------------- */

/* Calls with the three handles and `odd` before the one at `place`. */
static void call_with(struct attempt* attempt, zx_handle_t odd, uint32_t place) {
    zx_handle_t* handles = attempt->call.sent_handles;
    for (uint32_t i = 0, next = 0; i < 4; i++)
        handles[i] = i == place ? odd : attempt->fixture.cargo.handles[next++];
    attempt->call.args.wr_handles = handles;
    attempt->call.args.wr_num_handles = 4;
    call_run(&attempt->call);
}

TEST_BOTH(channel_call, invalid_element_is_bad_handle) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, INT32_MAX, stale_handle()};
    for (uint32_t i = 0; i < countof(bad) * 4; i++) {
        struct attempt attempt;
        CHECK(attempt_create(&attempt, generation));
        call_with(&attempt, bad[i / 4], i % 4);
        CHECK(attempt_expect(&attempt, ZX_ERR_BAD_HANDLE));
    }
}

TEST_BOTH(channel_call, element_without_transfer_right_is_access_denied) {
    for (uint32_t place = 0; place < 4; place++) {
        struct attempt attempt;
        zx_handle_t event;
        EXPECT_OK(zx_event_create(0, &event));
        zx_handle_t fixed = duplicate_without(event, ZX_RIGHT_TRANSFER);
        CHECK(attempt_create(&attempt, generation));
        call_with(&attempt, fixed, place);
        EXPECT_EQUAL(handle_is_valid(fixed), !generation->discards);
        zx_handle_close(fixed);
        EXPECT_OK(zx_handle_close(event));
        CHECK(attempt_expect(&attempt, ZX_ERR_ACCESS_DENIED));
    }
}

static void repeat_each(const struct generation* generation, zx_status_t expected) {
    for (uint32_t i = 0; i < 12; i++) {
        struct attempt attempt;
        CHECK(attempt_create(&attempt, generation));
        call_with(&attempt, attempt.fixture.cargo.handles[i / 4], i % 4);
        CHECK(attempt_expect(&attempt, expected));
    }
}

TEST(zx_channel_call, duplicate_handle_is_bad_handle) {
    CHECK(repeat_each(&zx, ZX_ERR_BAD_HANDLE));
}

TEST(mx_channel_call, duplicate_handle_is_invalid_args) {
    CHECK(repeat_each(&mx, MX_ERR_INVALID_ARGS));
}

TEST_BOTH(channel_call, another_handle_to_the_same_end_is_not_supported) {
    for (uint32_t place = 0; place < 4; place++) {
        struct attempt attempt;
        CHECK(attempt_create(&attempt, generation));
        zx_handle_t copy = duplicate(attempt.fixture.near);
        call_with(&attempt, copy, place);
        EXPECT_EQUAL(handle_is_valid(copy), !generation->discards);
        zx_handle_close(copy);
        CHECK(attempt_expect(&attempt, ZX_ERR_NOT_SUPPORTED));
    }
}

TEST_BOTH(channel_call, the_channel_itself_is_not_supported) {
    for (uint32_t place = 0; place < 4; place++) {
        struct attempt attempt;
        CHECK(attempt_create(&attempt, generation));
        struct fixture* fixture = &attempt.fixture;
        call_with(&attempt, fixture->near, place);
        CHECK(call_expect_write_failure(&attempt.call, ZX_ERR_NOT_SUPPORTED));
        EXPECT_EQUAL(handle_is_valid(fixture->near), !generation->discards);
        if (generation->discards) {
            CHECK(cargo_expect_discarded(&fixture->cargo));
            EXPECT_EQUAL(object_signals(fixture->far), ZX_CHANNEL_PEER_CLOSED);
            fixture->near = ZX_HANDLE_INVALID;
        } else {
            CHECK(cargo_expect_kept(&fixture->cargo));
            CHECK(expect_empty(fixture->far));
        }
        fixture_destroy(fixture);
    }
}

/* --- the state of the channel ------------------------------------------------------------- */

TEST_BOTH(channel_call, closed_peer_is_peer_closed) {
    struct attempt attempt;
    CHECK(attempt_create(&attempt, generation));
    struct fixture* fixture = &attempt.fixture;
    CHECK(fixture_close_far(fixture));
    call_run(&attempt.call);
    CHECK(call_expect_write_failure(&attempt.call, ZX_ERR_PEER_CLOSED));
    CHECK(cargo_expect_fate(&fixture->cargo, generation->discards));
    EXPECT_EQUAL(handle_rights(fixture->near), CHANNEL_RIGHTS);
    EXPECT_EQUAL(object_signals(fixture->near), ZX_CHANNEL_PEER_CLOSED);
    fixture_destroy(fixture);
}

TEST_BOTH(channel_call, full_queue_is_no_memory) {
    struct attempt attempt;
    CHECK(attempt_create(&attempt, generation));
    struct fixture* fixture = &attempt.fixture;
    CHECK(fill_queue(fixture->near));
    call_run(&attempt.call);
    CHECK(call_expect_write_failure(&attempt.call, ZX_ERR_NO_MEMORY));
    CHECK(cargo_expect_fate(&fixture->cargo, generation->discards));
    EXPECT_EQUAL(object_signals(fixture->near), 0);
    fixture_destroy(fixture);
}
