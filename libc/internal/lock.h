/* The lock inside libc and inside mtx_t: one word, 0 free, 1 taken, 2 taken and waited for. Taking
 * a free lock and releasing one that nobody waits for costs no system call. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <zircon/types.h>

bool lock_try(atomic_int* lock);
/* ZX_OK, or ZX_ERR_TIMED_OUT. */
zx_status_t lock_acquire_until(atomic_int* lock, zx_time_t deadline);
void lock_acquire(atomic_int* lock);
void lock_release(atomic_int* lock);
