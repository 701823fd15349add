/* The types of POSIX calls that libc has. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef ptrdiff_t ssize_t;
typedef int64_t off_t;
typedef int64_t pid_t;
typedef int64_t time_t;
typedef int64_t clock_t;
typedef uint32_t useconds_t;
typedef uint32_t clockid_t;
