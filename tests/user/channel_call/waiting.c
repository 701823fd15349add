/* How the wait for a reply ends without one. */
#include "fixture.h"

#include <stdlib.h>

#define NEVER_SHOWN ZX_USER_SIGNAL_5

/* The message was written with the handles, which are gone whatever happens then. */
static void expect_message_left(struct fixture* fixture) {
    struct letter letter;
    zx_handle_t handles[3];
    uint32_t count;
    CHECK(cargo_expect_travelling(&fixture->cargo));
    EXPECT_OK(zx_channel_read(fixture->far, 0, &letter, handles, sizeof(letter), 3, NULL, &count));
    EXPECT_EQUAL(letter.word, 1);
    EXPECT_EQUAL(count, 3);
    memcpy(fixture->cargo.handles, handles, sizeof(handles));
    CHECK(cargo_expect_kept(&fixture->cargo));
}

/* Takes the letter with the handles, which stay here, and replies with its word + 1. */
static void answer_with_cargo(struct fixture* fixture) {
    struct letter letter;
    uint32_t count;
    EXPECT_OK(zx_channel_read(fixture->far, 0, &letter, fixture->cargo.handles, sizeof(letter), 3,
                              NULL, &count));
    EXPECT_EQUAL(count, 3);
    put(fixture->far, letter.id, letter.word + 1);
}

static void init_with_cargo(struct call* call, const struct generation* generation,
                            struct fixture* fixture) {
    call_init(call, generation, fixture->near, 1);
    call->args.wr_handles = fixture->cargo.handles;
    call->args.wr_num_handles = 3;
}

/* --- deadline ----------------------------------------------------------------------------- */

TEST_BOTH(channel_call, deadline_is_timed_out) {
    const zx_time_t deadlines[] = {
        INT64_MIN, -1, 0, 1, zx_clock_get_monotonic(), zx_clock_get_monotonic() + ZX_MSEC(20)};
    for (size_t i = 0; i < countof(deadlines); i++) {
        struct fixture fixture;
        struct call call;
        CHECK(fixture_create(&fixture));
        call_init(&call, generation, fixture.near, 1);
        call.deadline = deadlines[i];
        call_run(&call);
        EXPECT(zx_clock_get_monotonic() >= deadlines[i]);
        CHECK(call_expect_read_failure(&call, ZX_ERR_TIMED_OUT));
        EXPECT_EQUAL(object_handle_count(fixture.near), 1);
        CHECK(expect_empty(fixture.near));
        fixture_destroy(&fixture);
    }
}

TEST_BOTH(channel_call, once_the_message_is_written_its_handles_are_gone) {
    struct fixture fixture;
    struct call call;
    CHECK(fixture_create(&fixture));
    init_with_cargo(&call, generation, &fixture);
    call.deadline = 0;
    call_run(&call);
    CHECK(call_expect_read_failure(&call, ZX_ERR_TIMED_OUT));
    CHECK(expect_message_left(&fixture));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_call, a_late_reply_lands_in_the_queue) {
    struct fixture fixture;
    struct call call;
    struct letter letter, late;
    CHECK(fixture_create(&fixture));
    call_init(&call, generation, fixture.near, 1);
    call.deadline = zx_clock_get_monotonic() + ZX_MSEC(2);
    call_run(&call);
    CHECK(call_expect_read_failure(&call, ZX_ERR_TIMED_OUT));
    CHECK(take(fixture.far, &letter));
    CHECK(put(fixture.far, letter.id, 9));
    EXPECT_EQUAL(object_signals(fixture.near), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    CHECK(take(fixture.near, &late));
    EXPECT_EQUAL(late.id, letter.id);
    EXPECT_EQUAL(late.word, 9);
    CHECK(expect_empty(fixture.near));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_call, a_late_reply_does_not_reach_the_next_call) {
    struct fixture fixture;
    struct call call;
    struct letter letter, late;
    CHECK(fixture_create(&fixture));
    call_init(&call, generation, fixture.near, 1);
    call.deadline = 0;
    call_run(&call);
    CHECK(call_expect_read_failure(&call, ZX_ERR_TIMED_OUT));
    CHECK(take(fixture.far, &letter));
    CHECK(put(fixture.far, letter.id, 9));
    call_init(&call, generation, fixture.near, 2);
    CHECK(call_start(&call, fixture.far));
    CHECK(answer(fixture.far));
    CHECK(call_join(&call));
    CHECK(call_expect_answer(&call, 3));
    CHECK(take(fixture.near, &late));
    EXPECT_EQUAL(late.word, 9);
    fixture_destroy(&fixture);
}

/* --- the handle --------------------------------------------------------------------------- */

static void close_it(struct fixture* fixture) {
    zx_handle_close(fixture->near);
    fixture->near = ZX_HANDLE_INVALID;
}

static void replace_it(struct fixture* fixture) {
    zx_handle_replace(fixture->near, ZX_RIGHT_SAME_RIGHTS, &fixture->near);
}

/* Through another channel, and back. */
static void send_it(struct fixture* fixture) {
    zx_handle_t ends[2];
    zx_channel_create(0, &ends[0], &ends[1]);
    zx_channel_write(ends[0], 0, NULL, 0, &fixture->near, 1);
    zx_channel_read(ends[1], 0, NULL, &fixture->near, 0, 1, NULL, NULL);
    zx_handle_close_many(ends, 2);
}

static void lose_handle(const struct generation* generation, void (*lose)(struct fixture*)) {
    struct fixture fixture;
    struct call call;
    struct letter letter;
    CHECK(fixture_create(&fixture));
    zx_handle_t other = duplicate(fixture.near);
    init_with_cargo(&call, generation, &fixture);
    CHECK(call_start(&call, fixture.far));
    lose(&fixture);
    CHECK(call_join(&call));
    CHECK(call_expect_read_failure(&call, ZX_ERR_CANCELED));
    CHECK(expect_message_left(&fixture));
    /* The channel lives on through the other handle; the reply is nobody's. */
    CHECK(put(fixture.far, call.sent.id, 6));
    CHECK(take(other, &letter));
    EXPECT_EQUAL(letter.word, 6);
    CHECK(expect_empty(other));
    EXPECT_OK(zx_handle_close(other));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_call, handle_closed_during_the_wait_is_canceled) {
    CHECK(lose_handle(generation, close_it));
}

TEST_BOTH(channel_call, handle_replaced_during_the_wait_is_canceled) {
    CHECK(lose_handle(generation, replace_it));
}

TEST_BOTH(channel_call, handle_sent_away_during_the_wait_is_canceled) {
    CHECK(lose_handle(generation, send_it));
}

struct watcher {
    zx_handle_t handle;
    zx_status_t status;
    zx_signals_t observed;
    atomic_bool has_begun;
};

static int watch(void* argument) {
    struct watcher* watcher = argument;
    atomic_store(&watcher->has_begun, true);
    watcher->status = zx_object_wait_one(watcher->handle, NEVER_SHOWN,
                                         zx_clock_get_monotonic() + ZX_SEC(20), &watcher->observed);
    return 0;
}

/* A wait on a handle that the call sends ends at once: the handle is gone. */
TEST_BOTH(channel_call, a_handle_sent_by_the_call_cancels_waits_on_it) {
    struct fixture fixture;
    struct call call;
    struct watcher watcher = {.status = UNTOUCHED};
    thrd_t thread;
    CHECK(fixture_create(&fixture));
    watcher.handle = fixture.cargo.handles[1];
    EXPECT_EQUAL(thrd_create(&thread, watch, &watcher), thrd_success);
    while (!atomic_load(&watcher.has_begun))
        zx_thread_yield();
    sleep_for(ZX_MSEC(5)); /* from the flag to the wait */
    init_with_cargo(&call, generation, &fixture);
    CHECK(call_start(&call, fixture.far));
    EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
    EXPECT_STATUS(watcher.status, ZX_ERR_CANCELED);
    EXPECT_EQUAL(watcher.observed, ZX_CHANNEL_WRITABLE | ZX_SIGNAL_HANDLE_CLOSED);
    EXPECT(!atomic_load(&call.is_done));
    CHECK(answer_with_cargo(&fixture));
    CHECK(call_join(&call));
    CHECK(call_expect_answer(&call, 2));
    fixture_destroy(&fixture);
}

/* The last handle: with it the end dies. */
TEST_BOTH(channel_call, last_handle_closed_during_the_wait_is_canceled) {
    struct fixture fixture;
    struct call call;
    CHECK(fixture_create(&fixture));
    init_with_cargo(&call, generation, &fixture);
    CHECK(call_start(&call, fixture.far));
    close_it(&fixture);
    CHECK(call_join(&call));
    CHECK(call_expect_read_failure(&call, ZX_ERR_CANCELED));
    EXPECT_EQUAL(object_signals(fixture.far), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
    CHECK(expect_message_left(&fixture));
    fixture_destroy(&fixture);
}

/* Another handle to the same end does not matter. */
TEST_BOTH(channel_call, another_handle_closed_during_the_wait_changes_nothing) {
    struct fixture fixture;
    struct call call;
    CHECK(fixture_create(&fixture));
    zx_handle_t other = duplicate(fixture.near);
    call_init(&call, generation, fixture.near, 1);
    CHECK(call_start(&call, fixture.far));
    EXPECT_OK(zx_handle_close(other));
    sleep_for(ZX_MSEC(2));
    EXPECT(!atomic_load(&call.is_done));
    CHECK(answer(fixture.far));
    CHECK(call_join(&call));
    CHECK(call_expect_answer(&call, 2));
    fixture_destroy(&fixture);
}

/* --- the other end ------------------------------------------------------------------------ */

TEST_BOTH(channel_call, peer_closed_during_the_wait_is_peer_closed) {
    struct fixture fixture;
    struct call call;
    CHECK(fixture_create(&fixture));
    init_with_cargo(&call, generation, &fixture);
    CHECK(call_start(&call, fixture.far));
    CHECK(fixture_close_far(&fixture));
    CHECK(call_join(&call));
    CHECK(call_expect_read_failure(&call, ZX_ERR_PEER_CLOSED));
    CHECK(cargo_expect_discarded(&fixture.cargo));
    EXPECT_EQUAL(object_signals(fixture.near), ZX_CHANNEL_PEER_CLOSED);
    EXPECT_EQUAL(handle_rights(fixture.near), CHANNEL_RIGHTS);
    fixture_destroy(&fixture);
}

/* TIMED_OUT is the exception: it is the status itself. */
TEST(mx_channel_call, a_failure_after_the_write_is_call_failed_and_read_status_says_why) {
    struct fixture fixture;
    struct call call;
    CHECK(fixture_create(&fixture));
    call_init(&call, &mx, fixture.near, 1);
    CHECK(call_start(&call, fixture.far));
    CHECK(fixture_close_far(&fixture));
    CHECK(call_join(&call));
    EXPECT_STATUS(call.status, MX_ERR_CALL_FAILED);
    EXPECT_STATUS(call.read_status, MX_ERR_PEER_CLOSED);
    fixture_destroy(&fixture);
}

TEST(mx_channel_call, read_status_stays_when_the_write_itself_fails) {
    struct fixture fixture;
    struct call call;
    CHECK(fixture_create(&fixture));
    CHECK(fixture_close_far(&fixture));
    call_init(&call, &mx, fixture.near, 1);
    call_run(&call);
    EXPECT_STATUS(call.status, MX_ERR_PEER_CLOSED);
    EXPECT_EQUAL(call.read_status, UNTOUCHED);
    fixture_destroy(&fixture);
}

/* The reply came first. */
TEST_BOTH(channel_call, a_reply_counts_although_the_peer_closes_then) {
    struct fixture fixture;
    struct call call;
    CHECK(fixture_create(&fixture));
    call_init(&call, generation, fixture.near, 1);
    CHECK(call_start(&call, fixture.far));
    CHECK(answer(fixture.far));
    CHECK(fixture_close_far(&fixture));
    CHECK(call_join(&call));
    CHECK(call_expect_answer(&call, 2));
    fixture_destroy(&fixture);
}

/* Each call ends with what happened to its own handle. */
TEST_BOTH(channel_call, each_of_many_calls_ends_by_what_happened_to_its_handle) {
    enum { COUNT = 12 };
    struct fixture fixture;
    struct letter letter;
    struct call* calls = calloc(COUNT, sizeof(*calls));
    EXPECT(calls);
    CHECK(fixture_create(&fixture));
    for (uint32_t i = 0; i < COUNT; i++) {
        call_init(&calls[i], generation, duplicate(fixture.near), i);
        CHECK(call_start(&calls[i], fixture.far));
        CHECK(take(fixture.far, &letter));
    }
    for (uint32_t i = 0; i < COUNT; i += 2)
        EXPECT_OK(zx_handle_close(calls[i].handle));
    for (uint32_t i = 0; i < COUNT; i += 2) {
        CHECK(call_join(&calls[i]));
        CHECK(call_expect_read_failure(&calls[i], ZX_ERR_CANCELED));
    }
    CHECK(fixture_close_far(&fixture));
    for (uint32_t i = 1; i < COUNT; i += 2) {
        CHECK(call_join(&calls[i]));
        CHECK(call_expect_read_failure(&calls[i], ZX_ERR_PEER_CLOSED));
        EXPECT_OK(zx_handle_close(calls[i].handle));
    }
    fixture_destroy(&fixture);
    free(calls);
}
