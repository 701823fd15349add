/* Time. The only clock is monotonic and starts with the kernel. The calendar time is not known, so
 * CLOCK_REALTIME and TIME_UTC count from the start too. */
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <zircon/compiler.h>

#define CLOCKS_PER_SEC 1000000l
#define CLOCK_REALTIME 0u
#define CLOCK_MONOTONIC 1u
#define TIME_UTC 1

struct timespec {
    time_t tv_sec;
    long tv_nsec;
};

clock_t clock(void);
time_t time(time_t* out);
double difftime(time_t later, time_t earlier);
int timespec_get(struct timespec* out, int base);
int clock_gettime(clockid_t clock, struct timespec* out);
int clock_getres(clockid_t clock, struct timespec* out);
int nanosleep(const struct timespec* duration, struct timespec* left);
