/* LAST_HANDLE: shown while there is exactly one handle to an object, to waits that name it. */
#include <helper.h>
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <magenta/syscalls/msgpipe.h>
#include <stdatomic.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/threads.h>

#define PATIENCE (zx_clock_get_monotonic() + ZX_SEC(30))

typedef zx_status_t (*wait_one_t)(zx_handle_t, zx_signals_t, zx_time_t, zx_signals_t*);

/* 2016 knows no absolute deadlines; here only 0 and "for ever" are used. */
static zx_status_t wait_2016(zx_handle_t handle, zx_signals_t signals, zx_time_t timeout,
                             zx_signals_t* observed) {
    return mx_handle_wait_one(handle, signals, timeout, observed);
}

static const wait_one_t spellings[] = {zx_object_wait_one, mx_object_wait_one, wait_2016};

static bool is_last(zx_handle_t handle, wait_one_t wait_one) {
    zx_signals_t observed = 0;
    zx_status_t status = wait_one(handle, MX_SIGNAL_LAST_HANDLE, 0, &observed);
    bool is_shown = observed & MX_SIGNAL_LAST_HANDLE;
    return status == (is_shown ? ZX_OK : ZX_ERR_TIMED_OUT) && is_shown;
}

TEST(last_handle, is_bit_22) {
    EXPECT_EQUAL(MX_SIGNAL_LAST_HANDLE, 1u << 22);
    EXPECT_EQUAL(ZX_SIGNAL_LAST_HANDLE, 1u << 22);
}

TEST(last_handle, is_shown_while_there_is_one_handle) {
    for (size_t i = 0; i < countof(spellings); i++) {
        zx_handle_t event;
        EXPECT_OK(zx_event_create(0, &event));
        EXPECT(is_last(event, spellings[i]));
        zx_handle_t second = duplicate(event), third = duplicate(event);
        EXPECT(!is_last(event, spellings[i]));
        EXPECT_OK(zx_handle_close(event));
        EXPECT(!is_last(second, spellings[i]));
        EXPECT_OK(zx_handle_replace(second, ZX_RIGHT_SAME_RIGHTS, &second));
        EXPECT(!is_last(second, spellings[i]));
        EXPECT_OK(zx_handle_close(third));
        EXPECT(is_last(second, spellings[i]));
        EXPECT_OK(zx_handle_close(second));
    }
}

/* A handle in a message is a handle. */
TEST(last_handle, counts_those_in_messages) {
    zx_handle_t event, ends[2];
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
    zx_handle_t sent = duplicate(event);
    EXPECT_OK(zx_channel_write(ends[0], 0, NULL, 0, &sent, 1));
    EXPECT(!is_last(event, mx_object_wait_one));
    EXPECT_OK(zx_handle_close(ends[1])); /* with the message */
    EXPECT(is_last(event, mx_object_wait_one));
    EXPECT_OK(zx_handle_close(ends[0]));
    EXPECT_OK(zx_handle_close(event));
}

/* It is no state of the object: a wait for other signals sees the object's signals only. 2017 also
 * shows it to a look, which waits for nothing. */
TEST(last_handle, is_shown_to_waits_that_name_it) {
    zx_handle_t event;
    zx_signals_t observed = 0;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    for (size_t i = 0; i < countof(spellings); i++) {
        EXPECT_OK(spellings[i](event, ZX_EVENT_SIGNALED, 0, &observed));
        EXPECT_EQUAL(observed, ZX_EVENT_SIGNALED);
        EXPECT_OK(spellings[i](event, ZX_EVENT_SIGNALED | MX_SIGNAL_LAST_HANDLE, 0, &observed));
        EXPECT_EQUAL(observed, ZX_EVENT_SIGNALED | MX_SIGNAL_LAST_HANDLE);
    }
    EXPECT_STATUS(zx_object_wait_one(event, 0, 0, &observed), ZX_ERR_TIMED_OUT);
    EXPECT_EQUAL(observed, ZX_EVENT_SIGNALED);
    EXPECT_STATUS(mx_object_wait_one(event, 0, 0, &observed), MX_ERR_TIMED_OUT);
    EXPECT_EQUAL(observed, MX_EVENT_SIGNALED | MX_SIGNAL_LAST_HANDLE);
    zx_handle_t second = duplicate(event);
    EXPECT_STATUS(mx_object_wait_one(event, 0, 0, &observed), MX_ERR_TIMED_OUT);
    EXPECT_EQUAL(observed, MX_EVENT_SIGNALED);
    EXPECT_STATUS(zx_object_signal(event, 0, ZX_SIGNAL_LAST_HANDLE), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_handle_close(second));
    EXPECT_OK(zx_handle_close(event));
}

TEST(last_handle, among_many_items) {
    zx_handle_t first, second;
    EXPECT_OK(zx_event_create(0, &first));
    EXPECT_OK(zx_event_create(0, &second));
    zx_handle_t copy = duplicate(first);
    zx_wait_item_t items[] = {{first, MX_SIGNAL_LAST_HANDLE, 0}, {second, ZX_EVENT_SIGNALED, 0}};
    EXPECT_STATUS(zx_object_wait_many(items, 2, 0), ZX_ERR_TIMED_OUT);
    EXPECT_EQUAL(items[0].pending, 0);
    EXPECT_OK(zx_handle_close(copy));
    EXPECT_OK(zx_object_wait_many(items, 2, 0));
    EXPECT_EQUAL(items[0].pending, MX_SIGNAL_LAST_HANDLE);
    EXPECT_EQUAL(items[1].pending, 0);
    EXPECT_OK(mx_object_wait_many(items, 2, 0));
    EXPECT_EQUAL(items[0].pending, MX_SIGNAL_LAST_HANDLE);
    EXPECT_OK(zx_handle_close(first));
    EXPECT_OK(zx_handle_close(second));
}

/* --- blocking --------------------------------------------------------------------------------- */

struct waiter {
    zx_handle_t handle;
    bool waits_among_many;
    zx_status_t status;
    zx_signals_t observed;
};

static int wait_for_last(void* argument) {
    struct waiter* waiter = argument;
    if (waiter->waits_among_many) {
        zx_wait_item_t items[] = {{waiter->handle, MX_SIGNAL_LAST_HANDLE, 0},
                                  {waiter->handle, ZX_USER_SIGNAL_0, 0}};
        waiter->status = zx_object_wait_many(items, 2, PATIENCE);
        waiter->observed = items[0].pending;
    } else {
        waiter->status =
            mx_object_wait_one(waiter->handle, MX_SIGNAL_LAST_HANDLE, PATIENCE, &waiter->observed);
    }
    return 0;
}

/* The ways in which the last handle but one goes. */
static void close_it(zx_handle_t handle) {
    EXPECT_OK(zx_handle_close(handle));
}

static void send_it_into_nothing(zx_handle_t handle) {
    zx_handle_t ends[2];
    EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
    EXPECT_OK(zx_channel_write(ends[0], 0, NULL, 0, &handle, 1));
    EXPECT_OK(zx_handle_close_many(ends, 2));
}

HELPER(holds_what_it_gets) {
    zx_handle_t handle;
    channel_receive(channel, NULL, 0, NULL, &handle, 1, NULL);
    helper_report_ready(channel);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

static void kill_who_has_it(zx_handle_t handle) {
    struct helper helper;
    CHECK(helper_start(&helper, "holds_what_it_gets"));
    EXPECT_OK(zx_channel_write(helper.channel, 0, NULL, 0, &handle, 1));
    CHECK(helper_wait_until_ready(&helper));
    EXPECT_OK(zx_task_kill(helper.process));
    helper_close(&helper);
}

static void wake_row(void (*lose)(zx_handle_t)) {
    for (int many = 0; many < 2; many++) {
        struct waiter waiter = {.waits_among_many = many};
        thrd_t thread;
        EXPECT_OK(zx_event_create(0, &waiter.handle));
        zx_handle_t others[] = {duplicate(waiter.handle), duplicate(waiter.handle)};
        EXPECT_EQUAL(thrd_create(&thread, wait_for_last, &waiter), thrd_success);
        wait_until_blocked(thrd_get_zx_handle(thread));
        EXPECT_OK(zx_handle_close(others[0])); /* not yet */
        EXPECT_OK(zx_object_signal(waiter.handle, 0, ZX_EVENT_SIGNALED));
        sleep_for(ZX_MSEC(1));
        CHECK(lose(others[1]));
        EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
        EXPECT_OK(waiter.status);
        EXPECT_EQUAL(waiter.observed, MX_SIGNAL_LAST_HANDLE | ZX_EVENT_SIGNALED);
        EXPECT_OK(zx_handle_close(waiter.handle));
    }
}

TEST(last_handle, wakes_when_the_other_is_closed) {
    CHECK(wake_row(close_it));
}
TEST(last_handle, wakes_when_the_other_dies_in_a_message) {
    CHECK(wake_row(send_it_into_nothing));
}
TEST(last_handle, wakes_when_the_process_with_the_other_is_killed) {
    CHECK(wake_row(kill_who_has_it));
}

/* --- races ------------------------------------------------------------------------------------ */

enum { ROUNDS = 400 };

static int close_second(void* argument) {
    zx_handle_close(*(zx_handle_t*)argument);
    return 0;
}

/* Whatever is first, the wait ends. */
TEST(last_handle, no_wakeup_is_lost) {
    for (int i = 0; i < ROUNDS; i++) {
        struct waiter waiter = {.waits_among_many = i % 2};
        thrd_t thread;
        EXPECT_OK(zx_event_create(0, &waiter.handle));
        zx_handle_t second = duplicate(waiter.handle);
        EXPECT_EQUAL(thrd_create(&thread, close_second, &second), thrd_success);
        for (volatile int spin = 0; spin < i * 7 % 301; spin++)
            continue;
        wait_for_last(&waiter);
        EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
        EXPECT_OK(waiter.status);
        EXPECT(waiter.observed & MX_SIGNAL_LAST_HANDLE);
        EXPECT_OK(zx_handle_close(waiter.handle));
    }
}
