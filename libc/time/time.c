/* Time, all of it on the monotonic clock. */
#include <internal/time.h>

#include <errno.h>
#include <magenta/syscalls.h>
#include <unistd.h>
#include <zircon/syscalls.h>

#define NANOSECONDS_PER_SECOND 1000000000l

zx_time_t time_from_timespec(const struct timespec* time) {
    zx_time_t result;
    if (time->tv_sec < 0)
        return 0;
    if (__builtin_mul_overflow(time->tv_sec, NANOSECONDS_PER_SECOND, &result) ||
        __builtin_add_overflow(result, time->tv_nsec, &result))
        return ZX_TIME_INFINITE;
    return result;
}

struct timespec timespec_from_time(zx_time_t time) {
    return (struct timespec){time / NANOSECONDS_PER_SECOND, time % NANOSECONDS_PER_SECOND};
}

zx_time_t deadline_after(zx_duration_t duration) {
    zx_time_t deadline;
    if (__builtin_add_overflow(zx_clock_get_monotonic(), duration, &deadline))
        return ZX_TIME_INFINITE;
    return deadline;
}

zx_time_t zx_deadline_after(zx_duration_t nanoseconds) {
    return deadline_after(nanoseconds);
}

mx_time_t mx_deadline_after(mx_duration_t nanoseconds) {
    return deadline_after(nanoseconds);
}

zx_status_t zx_clock_get_new(zx_clock_t clock, zx_time_t* time) {
    return zx_clock_get(clock, time);
}

mx_time_t mx_time_get(uint32_t clock) {
    mx_time_t time;
    return zx_clock_get(clock, &time) == ZX_OK ? time : 0;
}

mx_time_t mx_current_time(uint32_t clock) {
    return mx_time_get(clock);
}

clock_t clock(void) {
    return zx_clock_get_monotonic() / (NANOSECONDS_PER_SECOND / CLOCKS_PER_SEC);
}

time_t time(time_t* out) {
    time_t now = zx_clock_get_monotonic() / NANOSECONDS_PER_SECOND;
    if (out)
        *out = now;
    return now;
}

double difftime(time_t later, time_t earlier) {
    return (double)(later - earlier);
}

int timespec_get(struct timespec* out, int base) {
    if (base != TIME_UTC)
        return 0;
    *out = timespec_from_time(zx_clock_get_monotonic());
    return base;
}

static int check_clock(clockid_t clock) {
    if (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC)
        return 0;
    errno = EINVAL;
    return -1;
}

int clock_gettime(clockid_t clock, struct timespec* out) {
    if (check_clock(clock) != 0)
        return -1;
    *out = timespec_from_time(zx_clock_get_monotonic());
    return 0;
}

int clock_getres(clockid_t clock, struct timespec* out) {
    if (check_clock(clock) != 0)
        return -1;
    *out = (struct timespec){0, 1};
    return 0;
}

/* A sleep is never cut short: only the end of the thread interrupts it. */
int nanosleep(const struct timespec* duration, struct timespec* left) {
    if (duration->tv_sec < 0 || duration->tv_nsec < 0 ||
        duration->tv_nsec >= NANOSECONDS_PER_SECOND) {
        errno = EINVAL;
        return -1;
    }
    zx_nanosleep(deadline_after(time_from_timespec(duration)));
    if (left)
        *left = (struct timespec){0, 0};
    return 0;
}

unsigned int sleep(unsigned int seconds) {
    zx_nanosleep(deadline_after(ZX_SEC(seconds)));
    return 0;
}

int usleep(useconds_t microseconds) {
    zx_nanosleep(deadline_after(ZX_USEC(microseconds)));
    return 0;
}
