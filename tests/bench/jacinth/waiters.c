/* What must cost the same however many threads wait for something else. */
#include "../bench.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>
#include <zircon/syscalls.h>

#define WAITERS_MAX 1000
#define WORDS_WITHOUT_WAITER 256
#define LONG_AGO 1 /* a deadline; 0 would not wait at all */
#define ALL_WAIT_BY_THEN_NS 10000000

static zx_handle_t event; /* that they wait at */
static atomic_int words[WAITERS_MAX + WORDS_WITHOUT_WAITER];

static thrd_t threads[WAITERS_MAX];

/* Each gets a word of its own. */
static void start(unsigned count, thrd_start_t wait) {
    MUST(count > WAITERS_MAX);
    for (unsigned i = 0; i < count; i++)
        MUST(thrd_create(&threads[i], wait, &words[i]));
    MUST(zx_nanosleep(zx_clock_get_monotonic() + ALL_WAIT_BY_THEN_NS));
}

static void join(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        thrd_join(threads[i], NULL);
}

/* --- for another signal of the same object ---------------------------------------------------- */

static int wait_for_signal(void* unused) {
    (void)unused;
    return zx_object_wait_one(event, ZX_USER_SIGNAL_1, ZX_TIME_INFINITE, NULL);
}

GROWTH(signal_by_waiters, 500, 0, 10, 100, WAITERS_MAX) {
    MUST(zx_event_create(0, &event));
    start(bench->amount, wait_for_signal);
    MEASURE(bench) {
        TRY(bench, zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
        TRY(bench, zx_object_signal(event, ZX_USER_SIGNAL_0, 0));
    }
    MUST(zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
    join(bench->amount);
    zx_handle_close(event);
}

/* Joins the waiters, and leaves them at once. */
GROWTH(wait_by_waiters, 500, 0, 10, 100, WAITERS_MAX) {
    MUST(zx_event_create(0, &event));
    start(bench->amount, wait_for_signal);
    MEASURE(bench)
    TRY(bench, zx_object_wait_one(event, ZX_USER_SIGNAL_0, LONG_AGO, NULL) != ZX_ERR_TIMED_OUT);
    MUST(zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
    join(bench->amount);
    zx_handle_close(event);
}

/* A second handle, through which nobody waits, comes and goes. */
GROWTH(handle_dup_close_by_waiters, 500, 0, 10, 100, WAITERS_MAX) {
    zx_handle_t copy;
    MUST(zx_event_create(0, &event));
    start(bench->amount, wait_for_signal);
    MEASURE(bench) {
        TRY(bench, zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy));
        TRY(bench, zx_handle_close(copy));
    }
    MUST(zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
    join(bench->amount);
    zx_handle_close(event);
}

/* --- at other words --------------------------------------------------------------------------- */

static int wait_at_word(void* word) {
    while (atomic_load((atomic_int*)word) == 0)
        zx_futex_wait((const zx_futex_t*)word, 0, ZX_TIME_INFINITE);
    return 0;
}

GROWTH(futex_wake_by_waiters, 500, 0, 10, 100, WAITERS_MAX) {
    for (unsigned i = 0; i < bench->amount; i++)
        atomic_store(&words[i], 0);
    start(bench->amount, wait_at_word);
    unsigned next = 0;
    MEASURE(bench) {
        next = (next + 1) % WORDS_WITHOUT_WAITER;
        TRY(bench, zx_futex_wake((const zx_futex_t*)&words[WAITERS_MAX + next], 1));
    }
    for (unsigned i = 0; i < bench->amount; i++) {
        atomic_store(&words[i], 1);
        zx_futex_wake((const zx_futex_t*)&words[i], 1);
    }
    join(bench->amount);
}
