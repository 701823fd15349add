/* The cheapest call, handles, signals. */
#include "../bench.h"

#include <zircon/syscalls.h>

BENCH(null_call, 1000) {
    MEASURE(bench)
    TRY(bench, zx_syscall_null());
}

BENCH(handle_dup_close, 1000) {
    zx_handle_t event, copy;
    MUST(zx_event_create(0, &event));
    MEASURE(bench) {
        TRY(bench, zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy));
        TRY(bench, zx_handle_close(copy));
    }
    zx_handle_close(event);
}

/* The signal stays set: the wait finds it so. */
BENCH(signal_wait, 1000) {
    zx_handle_t event;
    zx_signals_t observed;
    MUST(zx_event_create(0, &event));
    MEASURE(bench) {
        TRY(bench, zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
        TRY(bench, zx_object_wait_one(event, ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, &observed));
    }
    zx_handle_close(event);
}

/* One of them is ready, in the middle. */
static void wait_for_many(struct bench* bench) {
    unsigned count = bench->amount;
    zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS];
    for (unsigned i = 0; i < count; i++) {
        items[i] = (zx_wait_item_t){.waitfor = ZX_USER_SIGNAL_0};
        MUST(zx_event_create(0, &items[i].handle));
    }
    MUST(zx_object_signal(items[count * 5 / 8].handle, 0, ZX_USER_SIGNAL_0));
    MEASURE(bench)
    TRY(bench, zx_object_wait_many(items, count, ZX_TIME_INFINITE));
    for (unsigned i = 0; i < count; i++)
        zx_handle_close(items[i].handle);
}

BENCH_OF(wait_many_1, 250, wait_for_many, 1)
BENCH_OF(wait_many_8, 250, wait_for_many, 8)
BENCH_OF(wait_many_64, 250, wait_for_many, 64)
