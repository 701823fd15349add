/* The calls that wait in 2017 and in 2016: mx_object_wait_one and _many, whose deadlines are
 * absolute, mx_handle_wait_one and _many, whose timeouts are relative. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <threads.h>
#include <zircon/threads.h>

#define ITEMS_MAX 64 /* of one call */
#define UNTOUCHED 7

/* One generation's spelling. */
struct generation {
    mx_status_t (*wait_one)(mx_handle_t handle, mx_signals_t signals, mx_time_t time,
                            mx_signals_t* observed);
    mx_status_t (*wait_many)(mx_wait_item_t* items, uint32_t count, mx_time_t time);
    bool is_relative; /* the time */
};
static const struct generation of_2017 = {mx_object_wait_one, mx_object_wait_many, false};
static const struct generation of_2016 = {mx_handle_wait_one, mx_handle_wait_many, true};

/* A test of the two, of one body: TEST_OLDER(wait_one, ...) { ... generation->wait_one(...) } */
#define TEST_OLDER(call, name)                                              \
    static void older_##call##_##name(const struct generation* generation); \
    TEST(mx_object_##call, name) {                                          \
        CHECK(older_##call##_##name(&of_2017));                             \
    }                                                                       \
    TEST(mx_handle_##call, name) {                                          \
        CHECK(older_##call##_##name(&of_2016));                             \
    }                                                                       \
    static void older_##call##_##name(const struct generation* generation)

/* The time to give for a wait that ends `duration` from now. */
static mx_time_t time_after(const struct generation* generation, mx_time_t duration) {
    return generation->is_relative ? duration : zx_clock_get_monotonic() + duration;
}

/* --- one -------------------------------------------------------------------------------------- */

TEST_OLDER(wait_one, shown_signals_end_the_wait_at_once) {
    mx_handle_t event;
    mx_signals_t observed = 0;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    EXPECT_STATUS(mx_object_signal(event, 0, MX_EVENT_SIGNALED), MX_OK);
    EXPECT_STATUS(generation->wait_one(event, MX_EVENT_SIGNALED, MX_TIME_INFINITE, &observed),
                  MX_OK);
    EXPECT_EQUAL(observed, MX_EVENT_SIGNALED);
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
}

TEST_OLDER(wait_one, is_timed_out_when_the_time_has_passed_and_shows_what_is_observed) {
    mx_handle_t event;
    mx_signals_t observed = UNTOUCHED;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    EXPECT_STATUS(mx_object_signal(event, 0, MX_USER_SIGNAL_0), MX_OK);
    mx_time_t start = zx_clock_get_monotonic();
    EXPECT_STATUS(generation->wait_one(event, MX_EVENT_SIGNALED, time_after(generation, MX_MSEC(3)),
                                       &observed),
                  MX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= start + MX_MSEC(3));
    EXPECT_EQUAL(observed, MX_USER_SIGNAL_0);
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
}

TEST_OLDER(wait_one, invalid_handle_is_bad_handle) {
    mx_signals_t observed = UNTOUCHED;
    EXPECT_STATUS(generation->wait_one(MX_HANDLE_INVALID, 0, MX_TIME_INFINITE, &observed),
                  MX_ERR_BAD_HANDLE);
    EXPECT_STATUS(generation->wait_one(stale_handle(), 0, MX_TIME_INFINITE, &observed),
                  MX_ERR_BAD_HANDLE);
    EXPECT_EQUAL(observed, UNTOUCHED);
}

TEST_OLDER(wait_one, missing_read_right_is_access_denied) {
    mx_handle_t event;
    mx_signals_t observed = UNTOUCHED;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    mx_handle_t no_read = duplicate_without(event, MX_RIGHT_READ);
    EXPECT_STATUS(generation->wait_one(no_read, 0, MX_TIME_INFINITE, &observed),
                  MX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(observed, UNTOUCHED);
    EXPECT_STATUS(mx_handle_close(no_read), MX_OK);
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
}

TEST_OLDER(wait_one, no_right_but_read_is_needed) {
    mx_handle_t event;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    mx_handle_t only_read = duplicate_without(event, (mx_rights_t)~MX_RIGHT_READ);
    EXPECT_STATUS(generation->wait_one(only_read, MX_EVENT_SIGNALED, 0, NULL), MX_ERR_TIMED_OUT);
    EXPECT_STATUS(mx_handle_close(only_read), MX_OK);
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
}

TEST_OLDER(wait_one, bad_observed_is_invalid_args_before_the_wait) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    mx_handle_t event;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        if (bad[i]) /* NULL: not wanted */
            EXPECT_STATUS(generation->wait_one(event, MX_EVENT_SIGNALED, MX_TIME_INFINITE, bad[i]),
                          MX_ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
}

/* --- many ------------------------------------------------------------------------------------- */

/* Two events to wait for. */
static void create_items(mx_wait_item_t items[2]) {
    for (int i = 0; i < 2; i++) {
        items[i] = (mx_wait_item_t){.waitfor = MX_EVENT_SIGNALED, .pending = UNTOUCHED};
        EXPECT_STATUS(mx_event_create(0, &items[i].handle), MX_OK);
    }
}

static void close_items(const mx_wait_item_t items[2]) {
    mx_handle_close(items[0].handle);
    mx_handle_close(items[1].handle);
}

TEST_OLDER(wait_many, one_item_is_enough) {
    mx_wait_item_t items[2];
    CHECK(create_items(items));
    EXPECT_STATUS(mx_object_signal(items[1].handle, 0, MX_EVENT_SIGNALED), MX_OK);
    EXPECT_STATUS(generation->wait_many(items, 2, MX_TIME_INFINITE), MX_OK);
    EXPECT_EQUAL(items[0].pending, 0);
    EXPECT_EQUAL(items[1].pending, MX_EVENT_SIGNALED);
    close_items(items);
}

TEST_OLDER(wait_many, is_timed_out_when_the_time_has_passed_and_fills_in_pending) {
    mx_wait_item_t items[2];
    CHECK(create_items(items));
    EXPECT_STATUS(mx_object_signal(items[1].handle, 0, MX_USER_SIGNAL_0), MX_OK);
    mx_time_t start = zx_clock_get_monotonic();
    EXPECT_STATUS(generation->wait_many(items, 2, time_after(generation, MX_MSEC(3))),
                  MX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= start + MX_MSEC(3));
    EXPECT_EQUAL(items[0].pending, 0);
    EXPECT_EQUAL(items[1].pending, MX_USER_SIGNAL_0);
    close_items(items);
}

TEST_OLDER(wait_many, more_than_64_are_out_of_range) {
    mx_wait_item_t items[ITEMS_MAX + 1] = {0};
    items[0].pending = UNTOUCHED;
    EXPECT_STATUS(generation->wait_many(items, countof(items), MX_TIME_INFINITE),
                  MX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(generation->wait_many(items, UINT32_MAX, MX_TIME_INFINITE), MX_ERR_OUT_OF_RANGE);
    EXPECT_EQUAL(items[0].pending, UNTOUCHED);
}

TEST_OLDER(wait_many, bad_items_are_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(generation->wait_many(bad[i], 1, MX_TIME_INFINITE), MX_ERR_INVALID_ARGS);
}

/* The second item fails so, and nothing is filled in. */
static void expect_item_refused(const struct generation* generation, mx_wait_item_t items[2],
                                mx_handle_t second, mx_status_t expected) {
    mx_handle_t good = items[1].handle;
    items[1].handle = second;
    EXPECT_STATUS(generation->wait_many(items, 2, MX_TIME_INFINITE), expected);
    EXPECT_EQUAL(items[0].pending, UNTOUCHED);
    EXPECT_EQUAL(items[1].pending, UNTOUCHED);
    items[1].handle = good;
}

TEST_OLDER(wait_many, an_invalid_item_is_bad_handle) {
    mx_wait_item_t items[2];
    CHECK(create_items(items));
    CHECK(expect_item_refused(generation, items, MX_HANDLE_INVALID, MX_ERR_BAD_HANDLE));
    CHECK(expect_item_refused(generation, items, stale_handle(), MX_ERR_BAD_HANDLE));
    close_items(items);
}

TEST_OLDER(wait_many, an_item_without_read_is_access_denied) {
    mx_wait_item_t items[2];
    CHECK(create_items(items));
    mx_handle_t no_read = duplicate_without(items[0].handle, MX_RIGHT_READ);
    CHECK(expect_item_refused(generation, items, no_read, MX_ERR_ACCESS_DENIED));
    EXPECT_STATUS(mx_handle_close(no_read), MX_OK);
    close_items(items);
}

/* --- a handle closed during the wait ---------------------------------------------------------- */

/* A thread that waits for a signal which never comes. */
struct waiter {
    const struct generation* generation;
    bool waits_for_many;
    mx_handle_t event;
    mx_signals_t observed;
};

static int wait_for_ever(void* argument) {
    struct waiter* waiter = argument;
    if (!waiter->waits_for_many)
        return waiter->generation->wait_one(waiter->event, MX_EVENT_SIGNALED, MX_TIME_INFINITE,
                                            &waiter->observed);
    mx_wait_item_t item = {.handle = waiter->event, .waitfor = MX_EVENT_SIGNALED};
    int status = waiter->generation->wait_many(&item, 1, MX_TIME_INFINITE);
    waiter->observed = item.pending;
    return status;
}

static void expect_closing_cancels(struct waiter waiter) {
    thrd_t thread;
    int status;
    EXPECT_STATUS(mx_event_create(0, &waiter.event), MX_OK);
    EXPECT_EQUAL(thrd_create(&thread, wait_for_ever, &waiter), thrd_success);
    wait_until_blocked(thrd_get_zx_handle(thread));
    mx_status_t closed = mx_handle_close(waiter.event);
    EXPECT_EQUAL(thrd_join(thread, &status), thrd_success);
    EXPECT_STATUS(closed, MX_OK);
    EXPECT_STATUS(status, MX_ERR_CANCELED);
    EXPECT_EQUAL(waiter.observed, MX_SIGNAL_HANDLE_CLOSED);
}

TEST_OLDER(wait_one, closing_the_handle_cancels) {
    CHECK(expect_closing_cancels((struct waiter){.generation = generation}));
}

TEST_OLDER(wait_many, closing_a_handle_cancels) {
    CHECK(
        expect_closing_cancels((struct waiter){.generation = generation, .waits_for_many = true}));
}
