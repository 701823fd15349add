/* Conversion between timespec and the kernel's nanoseconds. A value that is too large becomes the
 * largest. */
#pragma once

#include <time.h>
#include <zircon/types.h>

zx_time_t time_from_timespec(const struct timespec* time);
struct timespec timespec_from_time(zx_time_t time);
/* The deadline that is `duration` from now. */
zx_time_t deadline_after(zx_duration_t duration);
