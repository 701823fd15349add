/* Memory that another thread unmaps and maps again while the kernel copies from it or to it: a
 * call succeeds as a whole or fails as a whole.
 *
 *     CHECK(flicker_start(&flicker, SIZE));
 *     while (!flicker_is_over(&flicker)) {
 *         zx_status_t status = ... flicker.bytes ...;
 *         flicker_count(&flicker, status == ZX_OK);
 *         ... look at what the call did ...
 *     }
 *     CHECK(flicker_stop(&flicker));
 *
 * The loop calls what has EXPECTs without CHECK: a failed test must stop the other thread, too. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <threads.h>
#include <zircon/syscalls.h>

struct flicker {
    char* bytes;     /* where it comes and goes */
    zx_handle_t vmo; /* what is mapped there */
    uint32_t good, bad;
    /* of the functions below */
    size_t size;
    zx_handle_t vmar;
    atomic_bool must_stop;
    thrd_t thread;
};
void flicker_start(struct flicker* flicker, size_t size);
/* Counts a call that used the memory; leaves time to the other thread. */
void flicker_count(struct flicker* flicker, bool is_good);
/* There were enough calls, and of both kinds, if both came at all; or the test has failed. */
bool flicker_is_over(const struct flicker* flicker);
void flicker_stop(struct flicker* flicker);
