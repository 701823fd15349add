/* object_wait_one and object_wait_many of 2018; those of 2017 and 2016 are in older.c. */
#include <objects.h>
#include <test.h>

#include <threads.h>

#define SOON (zx_clock_get_monotonic() + ZX_MSEC(3))
#define NEVER_SET ZX_USER_SIGNAL_5

/* --- one, without blocking -------------------------------------------------------------------- */

TEST(zx_object_wait_one, shown_signals_end_the_wait_at_once) {
    zx_handle_t event;
    zx_signals_t observed = 0;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0));
    EXPECT_OK(zx_object_wait_one(event, ZX_EVENT_SIGNALED, 0, &observed));
    EXPECT_EQUAL(observed, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0);
    EXPECT_OK(zx_object_wait_one(event, NEVER_SET | ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, NULL));
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_object_wait_one, deadline_zero_polls_and_stores_what_is_shown) {
    zx_handle_t event;
    zx_signals_t observed = 0;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    EXPECT_STATUS(zx_object_wait_one(event, ZX_EVENT_SIGNALED, 0, &observed), ZX_ERR_TIMED_OUT);
    EXPECT_EQUAL(observed, ZX_USER_SIGNAL_0);
    observed = 0;
    EXPECT_STATUS(zx_object_wait_one(event, ZX_SIGNAL_NONE, 0, &observed), ZX_ERR_TIMED_OUT);
    EXPECT_EQUAL(observed, ZX_USER_SIGNAL_0);
    EXPECT_STATUS(zx_object_wait_one(event, ZX_EVENT_SIGNALED, -5, &observed), ZX_ERR_TIMED_OUT);
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_object_wait_one, deadline_is_kept) {
    zx_handle_t event;
    zx_signals_t observed = 0;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    zx_time_t deadline = SOON;
    EXPECT_STATUS(zx_object_wait_one(event, ZX_EVENT_SIGNALED, deadline, &observed),
                  ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT_EQUAL(observed, ZX_USER_SIGNAL_0);
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_object_wait_one, missing_wait_right_is_access_denied) {
    zx_handle_t event;
    zx_signals_t observed = 0x77;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t no_wait = duplicate_without(event, ZX_RIGHT_WAIT);
    EXPECT_STATUS(zx_object_wait_one(no_wait, 0, 0, &observed), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(observed, 0x77);
    EXPECT_OK(zx_handle_close(no_wait));
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_object_wait_one, no_right_but_wait_is_needed) {
    zx_handle_t event;
    zx_signals_t observed = 0x77;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t only_wait = duplicate_without(event, (zx_rights_t)~ZX_RIGHT_WAIT);
    EXPECT_STATUS(zx_object_wait_one(only_wait, 0, 0, &observed), ZX_ERR_TIMED_OUT);
    EXPECT_EQUAL(observed, 0);
    EXPECT_OK(zx_handle_close(only_wait));
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_object_wait_one, invalid_handle_is_bad_handle) {
    const zx_handle_t bad[] = {ZX_HANDLE_INVALID, -1, INT32_MIN, INT32_MAX, stale_handle()};
    zx_signals_t observed = 0x77;
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_STATUS(zx_object_wait_one(bad[i], 0, ZX_TIME_INFINITE, &observed),
                      ZX_ERR_BAD_HANDLE);
    EXPECT_EQUAL(observed, 0x77);
}

/* --- one, blocking: another thread does something meanwhile ----------------------------------- */

/* What the other thread does to the handles, shortly after the wait began. */
struct deed {
    void (*action)(struct deed* deed);
    zx_handle_t handle, other;
};

static int do_deed(void* argument) {
    struct deed* deed = argument;
    sleep_for(ZX_MSEC(2));
    deed->action(deed);
    return 0;
}

static void set_signal(struct deed* deed) {
    zx_object_signal(deed->handle, 0, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_2);
}

static void close_handle(struct deed* deed) {
    zx_handle_close(deed->handle);
}

static void replace_handle(struct deed* deed) {
    zx_handle_replace(deed->handle, ZX_RIGHT_SAME_RIGHTS, &deed->other);
}

/* Through the channel whose near end is `other`. */
static void send_away(struct deed* deed) {
    zx_channel_write(deed->other, 0, NULL, 0, &deed->handle, 1);
}

static void close_other(struct deed* deed) {
    zx_handle_close(deed->other);
}

/* Waits on deed->handle for `signals` for ever while the deed is done. */
static zx_status_t wait_during(struct deed* deed, zx_signals_t signals, zx_signals_t* observed) {
    thrd_t thread;
    if (thrd_create(&thread, do_deed, deed) != thrd_success)
        return ZX_ERR_INTERNAL;
    zx_status_t status = zx_object_wait_one(deed->handle, signals, ZX_TIME_INFINITE, observed);
    thrd_join(thread, NULL);
    return status;
}

TEST(zx_object_wait_one, is_woken_by_the_signal) {
    struct deed deed = {.action = set_signal};
    zx_signals_t observed;
    EXPECT_OK(zx_event_create(0, &deed.handle));
    EXPECT_OK(wait_during(&deed, ZX_USER_SIGNAL_2, &observed));
    EXPECT_EQUAL(observed, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_2);
    EXPECT_OK(zx_handle_close(deed.handle));
}

TEST(zx_object_wait_one, closing_the_handle_cancels) {
    struct deed deed = {.action = close_handle};
    zx_signals_t observed = 0;
    zx_handle_t keeper;
    EXPECT_OK(zx_event_create(0, &deed.handle));
    keeper = duplicate(deed.handle);
    EXPECT_STATUS(wait_during(&deed, ZX_EVENT_SIGNALED, &observed), ZX_ERR_CANCELED);
    EXPECT_EQUAL(observed, ZX_SIGNAL_HANDLE_CLOSED);
    EXPECT_OK(zx_handle_close(keeper));
}

TEST(zx_object_wait_one, closing_the_last_handle_cancels) {
    struct deed deed = {.action = close_handle};
    zx_signals_t observed = 0;
    EXPECT_OK(zx_event_create(0, &deed.handle));
    EXPECT_STATUS(wait_during(&deed, ZX_EVENT_SIGNALED, &observed), ZX_ERR_CANCELED);
    EXPECT(observed & ZX_SIGNAL_HANDLE_CLOSED);
}

TEST(zx_object_wait_one, closing_another_handle_to_the_object_does_not_cancel) {
    struct deed deed = {.action = close_other};
    zx_signals_t observed = 0;
    thrd_t thread;
    EXPECT_OK(zx_event_create(0, &deed.handle));
    deed.other = duplicate(deed.handle);
    EXPECT_EQUAL(thrd_create(&thread, do_deed, &deed), thrd_success);
    EXPECT_STATUS(zx_object_wait_one(deed.handle, ZX_EVENT_SIGNALED,
                                     zx_clock_get_monotonic() + ZX_MSEC(20), &observed),
                  ZX_ERR_TIMED_OUT);
    EXPECT_EQUAL(observed, 0);
    EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
    EXPECT_OK(zx_handle_close(deed.handle));
}

TEST(zx_object_wait_one, replacing_the_handle_cancels) {
    struct deed deed = {.action = replace_handle};
    zx_signals_t observed = 0;
    EXPECT_OK(zx_event_create(0, &deed.handle));
    EXPECT_STATUS(wait_during(&deed, ZX_EVENT_SIGNALED, &observed), ZX_ERR_CANCELED);
    EXPECT(observed & ZX_SIGNAL_HANDLE_CLOSED);
    EXPECT_OK(zx_handle_close(deed.other));
}

TEST(zx_object_wait_one, sending_the_handle_away_cancels) {
    struct deed deed = {.action = send_away};
    zx_signals_t observed = 0;
    zx_handle_t far;
    EXPECT_OK(zx_event_create(0, &deed.handle));
    EXPECT_OK(zx_channel_create(0, &deed.other, &far));
    EXPECT_STATUS(wait_during(&deed, ZX_EVENT_SIGNALED, &observed), ZX_ERR_CANCELED);
    EXPECT(observed & ZX_SIGNAL_HANDLE_CLOSED);
    EXPECT_OK(zx_handle_close(deed.other));
    EXPECT_OK(zx_handle_close(far));
}

TEST(zx_object_wait_one, closing_the_peer_wakes) {
    struct deed deed = {.action = close_other};
    zx_signals_t observed = 0;
    EXPECT_OK(zx_channel_create(0, &deed.handle, &deed.other));
    EXPECT_OK(wait_during(&deed, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, &observed));
    EXPECT_EQUAL(observed, ZX_CHANNEL_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(deed.handle));
}

/* --- many ------------------------------------------------------------------------------------- */

static void create_items(zx_wait_item_t* items, size_t count) {
    for (size_t i = 0; i < count; i++) {
        items[i] = (zx_wait_item_t){.waitfor = ZX_EVENT_SIGNALED, .pending = 0x77};
        EXPECT_OK(zx_event_create(0, &items[i].handle));
    }
}

static void close_items(const zx_wait_item_t* items, size_t count) {
    for (size_t i = 0; i < count; i++)
        zx_handle_close(items[i].handle);
}

TEST(zx_object_wait_many, one_of_64_is_enough) {
    zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS];
    CHECK(create_items(items, countof(items)));
    EXPECT_OK(zx_object_signal(items[40].handle, 0, ZX_EVENT_SIGNALED));
    EXPECT_OK(zx_object_wait_many(items, countof(items), ZX_TIME_INFINITE));
    for (size_t i = 0; i < countof(items); i++)
        EXPECT_EQUAL(items[i].pending, i == 40 ? ZX_EVENT_SIGNALED : 0);
    close_items(items, countof(items));
}

TEST(zx_object_wait_many, more_than_64_are_out_of_range) {
    zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS + 1];
    CHECK(create_items(items, countof(items)));
    EXPECT_STATUS(zx_object_wait_many(items, countof(items), 0), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_object_wait_many(items, SIZE_MAX, 0), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQUAL(items[0].pending, 0x77);
    close_items(items, countof(items));
}

TEST(zx_object_wait_many, deadline_is_kept_and_pending_filled_in) {
    zx_wait_item_t items[3];
    CHECK(create_items(items, countof(items)));
    EXPECT_OK(zx_object_signal(items[1].handle, 0, ZX_USER_SIGNAL_4));
    zx_time_t deadline = SOON;
    EXPECT_STATUS(zx_object_wait_many(items, countof(items), deadline), ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT_EQUAL(items[0].pending, 0);
    EXPECT_EQUAL(items[1].pending, ZX_USER_SIGNAL_4);
    EXPECT_EQUAL(items[2].pending, 0);
    close_items(items, countof(items));
}

TEST(zx_object_wait_many, of_nothing_sleeps_until_the_deadline) {
    zx_time_t deadline = SOON;
    EXPECT_STATUS(zx_object_wait_many(NULL, 0, deadline), ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT_STATUS(zx_object_wait_many(NULL, 0, 0), ZX_ERR_TIMED_OUT);
}

TEST(zx_object_wait_many, the_leftmost_faulty_item_decides_and_pending_stays) {
    zx_wait_item_t items[3];
    CHECK(create_items(items, countof(items)));
    zx_handle_t good = items[1].handle;
    zx_handle_t no_wait = duplicate_without(good, ZX_RIGHT_WAIT);
    items[1].handle = no_wait;
    EXPECT_STATUS(zx_object_wait_many(items, countof(items), 0), ZX_ERR_ACCESS_DENIED);
    items[1].handle = stale_handle();
    EXPECT_STATUS(zx_object_wait_many(items, countof(items), 0), ZX_ERR_BAD_HANDLE);
    for (size_t i = 0; i < countof(items); i++)
        EXPECT_EQUAL(items[i].pending, 0x77);
    items[1].handle = good;
    EXPECT_OK(zx_handle_close(no_wait));
    close_items(items, countof(items));
}

TEST(zx_object_wait_many, the_same_handle_twice) {
    zx_wait_item_t items[2];
    CHECK(create_items(items, 1));
    items[1] = items[0];
    items[1].waitfor = ZX_USER_SIGNAL_0;
    EXPECT_OK(zx_object_signal(items[0].handle, 0, ZX_USER_SIGNAL_0));
    EXPECT_OK(zx_object_wait_many(items, 2, 0));
    EXPECT_EQUAL(items[0].pending, ZX_USER_SIGNAL_0);
    EXPECT_EQUAL(items[1].pending, ZX_USER_SIGNAL_0);
    EXPECT_OK(zx_handle_close(items[0].handle));
}

static void many_during(void (*action)(struct deed*), zx_status_t expected, zx_signals_t shown) {
    zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS];
    CHECK(create_items(items, countof(items)));
    struct deed deed = {.action = action, .handle = items[63].handle};
    thrd_t thread;
    EXPECT_EQUAL(thrd_create(&thread, do_deed, &deed), thrd_success);
    zx_status_t status = zx_object_wait_many(items, countof(items), ZX_TIME_INFINITE);
    EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
    EXPECT_STATUS(status, expected);
    for (size_t i = 0; i < 63; i++)
        EXPECT_EQUAL(items[i].pending, 0);
    EXPECT_EQUAL(items[63].pending, shown);
    close_items(items, countof(items));
}

TEST(zx_object_wait_many, is_woken_by_a_signal) {
    CHECK(many_during(set_signal, ZX_OK, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_2));
}

TEST(zx_object_wait_many, closing_a_handle_cancels) {
    CHECK(many_during(close_handle, ZX_ERR_CANCELED, ZX_SIGNAL_HANDLE_CLOSED));
}

/* --- wake-ups are never lost ------------------------------------------------------------------ */

#define PING_ROUNDS 2000

static int answer_pings(void* argument) {
    const zx_handle_t* events = argument;
    for (int i = 0; i < PING_ROUNDS; i++) {
        if (zx_object_wait_one(events[0], ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL) != ZX_OK)
            return 1;
        zx_object_signal(events[0], ZX_EVENT_SIGNALED, 0);
        zx_object_signal(events[1], 0, ZX_EVENT_SIGNALED);
    }
    return 0;
}

TEST(zx_object_wait_one, no_wakeup_is_lost_between_two_threads) {
    zx_handle_t events[2];
    thrd_t thread;
    int result;
    EXPECT_OK(zx_event_create(0, &events[0]));
    EXPECT_OK(zx_event_create(0, &events[1]));
    EXPECT_EQUAL(thrd_create(&thread, answer_pings, events), thrd_success);
    for (int i = 0; i < PING_ROUNDS; i++) {
        EXPECT_OK(zx_object_signal(events[0], 0, ZX_EVENT_SIGNALED));
        EXPECT_OK(zx_object_wait_one(events[1], ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL));
        EXPECT_OK(zx_object_signal(events[1], ZX_EVENT_SIGNALED, 0));
    }
    EXPECT_EQUAL(thrd_join(thread, &result), thrd_success);
    EXPECT_EQUAL(result, 0);
    EXPECT_OK(zx_handle_close_many(events, 2));
}
