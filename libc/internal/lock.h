/* The lock of libc and of mtx_t.
 *
 * Rules for these locks:
 * - The word is 0 (free), 1 (taken) or 2 (taken, and threads may wait).
 * - Taking a free lock costs no system call, nor does releasing one that no thread waits for. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <zircon/types.h>

bool lock_try(atomic_int* lock);
/* ZX_OK, or ZX_ERR_TIMED_OUT. */
zx_status_t lock_acquire_until(atomic_int* lock, zx_time_t deadline);
void lock_acquire(atomic_int* lock);
void lock_release(atomic_int* lock);
