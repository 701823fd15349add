/* cnd_t and call_once. No signal is lost: a waiter reads the sequence number before it unlocks the
 * mutex, and each signal changes the number. So the waiter sees the change, or sleeps until the
 * signal wakes it. */
#include <internal/time.h>

#include <limits.h>
#include <threads.h>
#include <zircon/syscalls.h>

int cnd_init(cnd_t* condition) {
    atomic_init(&condition->sequence, 0);
    return thrd_success;
}

static int wake(cnd_t* condition, uint32_t count) {
    atomic_fetch_add(&condition->sequence, 1);
    zx_futex_wake((const zx_futex_t*)&condition->sequence, count);
    return thrd_success;
}

int cnd_signal(cnd_t* condition) {
    return wake(condition, 1);
}

int cnd_broadcast(cnd_t* condition) {
    return wake(condition, UINT32_MAX);
}

static int wait_until(cnd_t* condition, mtx_t* mutex, zx_time_t deadline) {
    int sequence = atomic_load(&condition->sequence);
    mtx_unlock(mutex);
    zx_status_t status = zx_futex_wait((const zx_futex_t*)&condition->sequence, sequence, deadline);
    mtx_lock(mutex);
    return status == ZX_ERR_TIMED_OUT ? thrd_timedout : thrd_success;
}

int cnd_wait(cnd_t* condition, mtx_t* mutex) {
    return wait_until(condition, mutex, ZX_TIME_INFINITE);
}

int cnd_timedwait(cnd_t* restrict condition, mtx_t* restrict mutex,
                  const struct timespec* restrict deadline) {
    return wait_until(condition, mutex, time_from_timespec(deadline));
}

void cnd_destroy(cnd_t* condition) {
    (void)condition;
}

enum { NOT_YET, RUNNING, RUNNING_WAITED_FOR, DONE };

void call_once(once_flag* flag, void (*function)(void)) {
    int state = NOT_YET;
    if (atomic_compare_exchange_strong(&flag->state, &state, RUNNING)) {
        function();
        if (atomic_exchange(&flag->state, DONE) == RUNNING_WAITED_FOR)
            zx_futex_wake((const zx_futex_t*)&flag->state, UINT32_MAX);
        return;
    }
    while (state != DONE) {
        if (state == RUNNING_WAITED_FOR ||
            atomic_compare_exchange_strong(&flag->state, &state, RUNNING_WAITED_FOR))
            zx_futex_wait((const zx_futex_t*)&flag->state, RUNNING_WAITED_FOR, ZX_TIME_INFINITE);
        state = atomic_load(&flag->state);
    }
}
