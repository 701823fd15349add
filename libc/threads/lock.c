/* See internal/lock.h. */
#include <internal/lock.h>

#include <zircon/syscalls.h>

enum { FREE, TAKEN, CONTENDED };

bool lock_try(atomic_int* lock) {
    int expected = FREE;
    return atomic_compare_exchange_strong_explicit(lock, &expected, TAKEN, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* A thread that had to wait takes the lock as CONTENDED: it cannot know whether other threads wait
 * too. */
zx_status_t lock_acquire_until(atomic_int* lock, zx_time_t deadline) {
    if (lock_try(lock))
        return ZX_OK;
    while (atomic_exchange_explicit(lock, CONTENDED, memory_order_acquire) != FREE)
        if (zx_futex_wait((const zx_futex_t*)lock, CONTENDED, deadline) == ZX_ERR_TIMED_OUT)
            return ZX_ERR_TIMED_OUT;
    return ZX_OK;
}

void lock_acquire(atomic_int* lock) {
    lock_acquire_until(lock, ZX_TIME_INFINITE);
}

void lock_release(atomic_int* lock) {
    if (atomic_exchange_explicit(lock, FREE, memory_order_release) == CONTENDED)
        zx_futex_wake((const zx_futex_t*)lock, 1);
}
