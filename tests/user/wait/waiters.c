/* Many threads that wait at one object, each for a signal of its own. */
#include <objects.h>
#include <test.h>

#include <stdatomic.h>
#include <threads.h>
#include <zircon/syscalls.h>

#define WAITER_COUNT 8

static struct {
    zx_handle_t event;
    atomic_uint answered;
} shared;

struct waiter {
    zx_signals_t signal;
    zx_signals_t observed;
    zx_status_t status;
    thrd_t thread;
};

static int wait_for_own_signal(void* argument) {
    struct waiter* waiter = argument;
    waiter->status =
        zx_object_wait_one(shared.event, waiter->signal, ZX_TIME_INFINITE, &waiter->observed);
    atomic_fetch_add(&shared.answered, 1);
    return 0;
}

static void start(struct waiter* waiters) {
    atomic_store(&shared.answered, 0);
    for (unsigned i = 0; i < WAITER_COUNT; i++) {
        waiters[i] = (struct waiter){.signal = ZX_USER_SIGNAL_0 << i};
        EXPECT_EQUAL(thrd_create(&waiters[i].thread, wait_for_own_signal, &waiters[i]),
                     thrd_success);
    }
    sleep_for(ZX_MSEC(5));
}

/* The signal is gone again before the waiter runs: that it was shown is enough. Shown again if the
 * wait had not begun. */
static void wake(struct waiter* waiter) {
    unsigned answered = atomic_load(&shared.answered);
    do {
        EXPECT_OK(zx_object_signal(shared.event, 0, waiter->signal));
        EXPECT_OK(zx_object_signal(shared.event, waiter->signal, 0));
        sleep_for(ZX_USEC(100));
    } while (atomic_load(&shared.answered) == answered);
    EXPECT_EQUAL(thrd_join(waiter->thread, NULL), thrd_success);
    EXPECT_OK(waiter->status);
    EXPECT_EQUAL(waiter->observed, waiter->signal);
}

TEST(zx_object_wait_one, each_waiter_is_woken_by_its_own_signal) {
    struct waiter waiters[WAITER_COUNT];
    EXPECT_OK(zx_event_create(0, &shared.event));
    start(waiters);
    for (unsigned i = 0; i < WAITER_COUNT; i++) {
        EXPECT_OK(zx_object_signal(shared.event, 0, ZX_EVENT_SIGNALED)); /* nobody's */
        EXPECT_OK(zx_object_signal(shared.event, ZX_EVENT_SIGNALED, 0));
        wake(&waiters[i]);
        EXPECT_EQUAL(atomic_load(&shared.answered), i + 1);
    }
    EXPECT_OK(zx_handle_close(shared.event));
}

TEST(zx_object_wait_one, a_waiter_that_comes_while_others_leave_is_woken_too) {
    struct waiter waiters[WAITER_COUNT], late;
    EXPECT_OK(zx_event_create(0, &shared.event));
    start(waiters);
    for (unsigned i = WAITER_COUNT; i-- > 0;) {
        wake(&waiters[i]);
        late = (struct waiter){.signal = waiters[i].signal};
        EXPECT_EQUAL(thrd_create(&late.thread, wait_for_own_signal, &late), thrd_success);
        sleep_for(ZX_MSEC(2));
        wake(&late);
        EXPECT_EQUAL(atomic_load(&shared.answered), 2 * (WAITER_COUNT - i));
    }
    EXPECT_OK(zx_handle_close(shared.event));
}
