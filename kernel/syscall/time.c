/* Clocks, sleep and futexes. */
#include <abi/errors.h>
#include <arch/clock.h>
#include <sched/park.h>
#include <task/futex.h>
#include <task/process.h>
#include <syscalls/prototypes.h>

zx_status_t sys_nanosleep(zx_time_t deadline) {
    struct thread* thread = thread_current();
    thread->wait = THREAD_WAIT_SLEEPING;
    zx_status_t status = thread_sleep_until(deadline);
    thread->wait = THREAD_WAIT_OTHER;
    return status;
}

zx_status_t sys_clock_get(uint32_t clock, user_out(zx_time_t) time) {
    if (clock != ZX_CLOCK_MONOTONIC)
        return ZX_ERR_INVALID_ARGS;
    zx_time_t now = clock_now();
    return user_write(time, &now, 1) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_time_t sys_clock_get_monotonic(void) {
    return clock_now();
}

zx_ticks_t sys_ticks_get(void) {
    return (zx_ticks_t)clock_ticks();
}

zx_ticks_t sys_ticks_per_second(void) {
    return (zx_ticks_t)clock_ticks_per_second();
}

zx_status_t sys_futex_wait(user_in(zx_futex_t) address, int32_t current_value, zx_time_t deadline) {
    return futex_wait(process_current()->aspace, address.address, current_value, deadline);
}

zx_status_t sys_futex_wake(user_in(zx_futex_t) address, uint32_t count) {
    return futex_wake(process_current()->aspace, address.address, count);
}
