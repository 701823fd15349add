/* mtx_t: the lock of internal/lock.h. A recursive mutex also has an owner. */
#include <internal/lock.h>
#include <internal/thread_control.h>
#include <internal/time.h>

int mtx_init(mtx_t* mutex, int kind) {
    if (kind & ~(mtx_recursive | mtx_timed))
        return thrd_error;
    *mutex = (mtx_t){.kind = kind};
    return thrd_success;
}

/* Counts once more if the caller owns the recursive mutex already. */
static bool take_again(mtx_t* mutex) {
    if (!(mutex->kind & mtx_recursive) || atomic_load(&mutex->owner) != thread_control_self())
        return false;
    mutex->depth++;
    return true;
}

static void become_owner(mtx_t* mutex) {
    if (mutex->kind & mtx_recursive)
        atomic_store(&mutex->owner, thread_control_self());
}

static int lock_until(mtx_t* mutex, zx_time_t deadline) {
    if (take_again(mutex))
        return thrd_success;
    if (lock_acquire_until(&mutex->state, deadline) != ZX_OK)
        return thrd_timedout;
    become_owner(mutex);
    return thrd_success;
}

int mtx_lock(mtx_t* mutex) {
    return lock_until(mutex, ZX_TIME_INFINITE);
}

int mtx_timedlock(mtx_t* restrict mutex, const struct timespec* restrict deadline) {
    return lock_until(mutex, time_from_timespec(deadline));
}

int mtx_trylock(mtx_t* mutex) {
    if (take_again(mutex))
        return thrd_success;
    if (!lock_try(&mutex->state))
        return thrd_busy;
    become_owner(mutex);
    return thrd_success;
}

int mtx_unlock(mtx_t* mutex) {
    if (mutex->depth > 0) {
        mutex->depth--;
        return thrd_success;
    }
    atomic_store(&mutex->owner, NULL);
    lock_release(&mutex->state);
    return thrd_success;
}

void mtx_destroy(mtx_t* mutex) {
    (void)mutex;
}
