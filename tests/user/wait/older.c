/* The errors of the calls that wait in 2016 and 2017: mx_object_wait_one and _many,
 * mx_handle_wait_one and _many. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <threads.h>
#include <zircon/threads.h>

#define ITEMS_MAX 64 /* of one call */

typedef mx_status_t (*wait_one_t)(mx_handle_t handle, mx_signals_t signals, mx_time_t time,
                                  mx_signals_t* observed);
typedef mx_status_t (*wait_many_t)(mx_wait_item_t* items, uint32_t count, mx_time_t time);

/* --- one -------------------------------------------------------------------------------------- */

static void expect_bad_pointers_refused(wait_one_t wait_one) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    mx_handle_t event;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        if (bad[i]) /* NULL: not wanted */
            EXPECT_STATUS(wait_one(event, MX_EVENT_SIGNALED, MX_TIME_INFINITE, bad[i]),
                          MX_ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
}

TEST(mx_object_wait_one, bad_observed_is_invalid_args_before_the_wait) {
    CHECK(expect_bad_pointers_refused(mx_object_wait_one));
}

TEST(mx_handle_wait_one, bad_observed_is_invalid_args_before_the_wait) {
    CHECK(expect_bad_pointers_refused(mx_handle_wait_one));
}

/* --- a handle closed during the wait ---------------------------------------------------------- */

/* A thread that waits for a signal which never comes. */
struct waiter {
    wait_one_t wait_one; /* or */
    wait_many_t wait_many;
    mx_handle_t event;
    mx_signals_t observed;
};

static int wait_for_ever(void* argument) {
    struct waiter* waiter = argument;
    if (waiter->wait_one)
        return waiter->wait_one(waiter->event, MX_EVENT_SIGNALED, MX_TIME_INFINITE,
                                &waiter->observed);
    mx_wait_item_t item = {.handle = waiter->event, .waitfor = MX_EVENT_SIGNALED};
    int status = waiter->wait_many(&item, 1, MX_TIME_INFINITE);
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

TEST(mx_object_wait_one, closing_the_handle_cancels) {
    CHECK(expect_closing_cancels((struct waiter){.wait_one = mx_object_wait_one}));
}

TEST(mx_handle_wait_one, closing_the_handle_cancels) {
    CHECK(expect_closing_cancels((struct waiter){.wait_one = mx_handle_wait_one}));
}

TEST(mx_object_wait_many, closing_a_handle_cancels) {
    CHECK(expect_closing_cancels((struct waiter){.wait_many = mx_object_wait_many}));
}

TEST(mx_handle_wait_many, closing_a_handle_cancels) {
    CHECK(expect_closing_cancels((struct waiter){.wait_many = mx_handle_wait_many}));
}

/* --- many ------------------------------------------------------------------------------------- */

static void expect_too_many_refused(wait_many_t wait_many) {
    mx_wait_item_t items[ITEMS_MAX + 1] = {0};
    items[0].pending = 7;
    EXPECT_STATUS(wait_many(items, countof(items), MX_TIME_INFINITE), MX_ERR_OUT_OF_RANGE);
    EXPECT_EQUAL(items[0].pending, 7);
}

TEST(mx_object_wait_many, more_than_64_are_out_of_range) {
    CHECK(expect_too_many_refused(mx_object_wait_many));
}

TEST(mx_handle_wait_many, more_than_64_are_out_of_range) {
    CHECK(expect_too_many_refused(mx_handle_wait_many));
}

static void expect_bad_items_refused(wait_many_t wait_many) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(wait_many(bad[i], 1, MX_TIME_INFINITE), MX_ERR_INVALID_ARGS);
}

TEST(mx_object_wait_many, bad_items_are_invalid_args) {
    CHECK(expect_bad_items_refused(mx_object_wait_many));
}

TEST(mx_handle_wait_many, bad_items_are_invalid_args) {
    CHECK(expect_bad_items_refused(mx_handle_wait_many));
}

/* READ is the right that these generations ask for. */
static void expect_read_needed(wait_many_t wait_many) {
    mx_handle_t event;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    mx_handle_t no_read = duplicate_without(event, MX_RIGHT_READ);
    mx_wait_item_t items[] = {{.handle = event, .pending = 7}, {.handle = no_read, .pending = 7}};
    EXPECT_STATUS(wait_many(items, 2, MX_TIME_INFINITE), MX_ERR_ACCESS_DENIED);
    items[1].handle = stale_handle();
    EXPECT_STATUS(wait_many(items, 2, MX_TIME_INFINITE), MX_ERR_BAD_HANDLE);
    EXPECT_EQUAL(items[0].pending, 7);
    EXPECT_EQUAL(items[1].pending, 7);
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
    EXPECT_STATUS(mx_handle_close(no_read), MX_OK);
}

TEST(mx_object_wait_many, an_item_without_read_is_access_denied) {
    CHECK(expect_read_needed(mx_object_wait_many));
}

TEST(mx_handle_wait_many, an_item_without_read_is_access_denied) {
    CHECK(expect_read_needed(mx_handle_wait_many));
}
