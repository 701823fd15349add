/* Waiting on objects: across threads, and every way a wait ends. */
#include <arch/clock.h>
#include <object/wait.h>
#include <sched/park.h>
#include <sched/thread.h>

#include "object_helpers.h"
#include "selftest.h"

/* One wait in a thread of its own. */
struct wait {
    struct handle_table* table;
    zx_handle_t handle;
    zx_time_t deadline;
    zx_status_t status;
    zx_signals_t observed;
    struct thread* thread;
};

static void wait_in_thread(void* argument) {
    struct wait* wait = argument;
    wait->status = object_wait_one(wait->table, wait->handle, ZX_RIGHT_WAIT, ZX_EVENT_SIGNALED,
                                   wait->deadline, &wait->observed);
}

static bool wait_begin(struct wait* wait) {
    wait->thread = thread_create("waiter", wait_in_thread, wait, THREAD_PRIORITY_DEFAULT);
    if (wait->thread)
        thread_start(wait->thread);
    return wait->thread != NULL;
}

static void wait_end(struct wait* wait) {
    thread_join(wait->thread);
    thread_release(wait->thread);
}

/* Lets the waiter, which may be less urgent than this thread, get into its wait. */
static void until_observed(struct object* object) {
    while (list_is_empty(&object->observers))
        EXPECT_OK(thread_sleep_until(clock_now() + 100000));
}

enum ending { BY_SIGNAL, BY_CLOSE, BY_CLOSE_OF_MANY, BY_DEADLINE, BY_KILL, ENDINGS };

static void end_by(enum ending ending, struct wait* wait, struct event* event) {
    switch (ending) {
    case BY_SIGNAL:
        object_update_signals(&event->object, 0, ZX_EVENT_SIGNALED);
        break;
    case BY_CLOSE:
        handle_table_close(wait->table, wait->handle);
        break;
    case BY_CLOSE_OF_MANY:
        (void)handle_table_close_many(wait->table, &wait->handle, 1);
        break;
    case BY_KILL:
        thread_kill(wait->thread);
        break;
    default:
        break;
    }
}

SELFTEST(object, wait_ends_in_every_way) {
    static const struct {
        zx_status_t status;
        zx_signals_t observed;
    } expected[ENDINGS] = {
        [BY_SIGNAL] = {ZX_OK, ZX_EVENT_SIGNALED},
        [BY_CLOSE] = {ZX_ERR_CANCELED, ZX_SIGNAL_HANDLE_CLOSED},
        [BY_CLOSE_OF_MANY] = {ZX_ERR_CANCELED, ZX_SIGNAL_HANDLE_CLOSED},
        [BY_DEADLINE] = {ZX_ERR_TIMED_OUT, 0},
        [BY_KILL] = {ZX_ERR_CANCELED, 0},
    };
    struct handle_table table;
    EXPECT_OK(handle_table_init(&table));
    for (int i = 0; i < ENDINGS * 20; i++) {
        enum ending ending = (enum ending)(i % ENDINGS);
        struct event* event;
        struct wait wait = {.table = &table, .deadline = ZX_TIME_INFINITE};
        wait.handle = add_event(&table, &event);
        object_reference(&event->object);
        if (ending == BY_DEADLINE)
            wait.deadline = clock_now() + 1000000;
        EXPECT(wait_begin(&wait));
        if (i >= ENDINGS * 10 && ending != BY_DEADLINE && ending != BY_KILL)
            until_observed(&event->object); /* else: whenever it comes */
        if (i < ENDINGS * 10 && (ending == BY_CLOSE || ending == BY_CLOSE_OF_MANY))
            until_observed(&event->object); /* earlier it would be BAD_HANDLE */
        end_by(ending, &wait, event);
        wait_end(&wait);
        EXPECT_EQUAL(wait.status, expected[ending].status);
        EXPECT_EQUAL(wait.observed, expected[ending].observed);
        EXPECT(list_is_empty(&event->object.observers));
        (void)handle_table_close(&table, wait.handle);
        object_release(&event->object);
    }
    handle_table_destroy(&table);
}

SELFTEST(object, one_signal_wakes_all_waiters) {
    enum { WAITERS = 16 };
    struct handle_table table;
    struct event* event;
    static struct wait waits[WAITERS];
    EXPECT_OK(handle_table_init(&table));
    zx_handle_t handle = add_event(&table, &event);
    for (int i = 0; i < WAITERS; i++) {
        waits[i] = (struct wait){.table = &table, .handle = handle, .deadline = ZX_TIME_INFINITE};
        EXPECT(wait_begin(&waits[i]));
    }
    until_observed(&event->object);
    object_update_signals(&event->object, 0, ZX_EVENT_SIGNALED);
    for (int i = 0; i < WAITERS; i++) {
        wait_end(&waits[i]);
        EXPECT_OK(waits[i].status);
    }
    EXPECT_OK(handle_table_close(&table, handle));
    handle_table_destroy(&table);
}

/* --- no wake-up is lost ----------------------------------------------------------------------- */

#define PING_ROUNDS 5000

struct ping {
    struct handle_table* table;
    zx_handle_t mine, other;
    struct event *my_event, *other_event;
};

/* Waits for its own event, takes the signal back and sets the other's. */
static void play(void* argument) {
    struct ping* ping = argument;
    for (int i = 0; i < PING_ROUNDS; i++) {
        zx_wait_item_t item = {ping->mine, ZX_EVENT_SIGNALED, 0};
        zx_signals_t observed;
        zx_time_t deadline = clock_now() + 10000000000;
        if (i % 2)
            EXPECT_OK(object_wait_many(ping->table, &item, 1, ZX_RIGHT_WAIT, deadline));
        else
            EXPECT_OK(object_wait_one(ping->table, ping->mine, ZX_RIGHT_WAIT, ZX_EVENT_SIGNALED,
                                      deadline, &observed));
        object_update_signals(&ping->my_event->object, ZX_EVENT_SIGNALED, 0);
        object_update_signals(&ping->other_event->object, 0, ZX_EVENT_SIGNALED);
    }
}

SELFTEST(object, two_threads_wake_each_other_5000_times) {
    struct handle_table table;
    struct ping ping = {.table = &table}, pong = {.table = &table};
    EXPECT_OK(handle_table_init(&table));
    ping.mine = pong.other = add_event(&table, &ping.my_event);
    pong.mine = ping.other = add_event(&table, &pong.my_event);
    ping.other_event = pong.my_event;
    pong.other_event = ping.my_event;
    object_update_signals(&ping.my_event->object, 0, ZX_EVENT_SIGNALED);
    struct thread* thread = thread_create("pong", play, &pong, THREAD_PRIORITY_DEFAULT);
    EXPECT(thread != NULL);
    thread_start(thread);
    play(&ping);
    thread_join(thread);
    thread_release(thread);
    handle_table_close_all(&table);
    handle_table_destroy(&table);
}
