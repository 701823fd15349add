/* Small helpers of the language itself. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* The entrance to a special path beside the one way that does everything: the common case, and
 * quicker. The comment at the place says what the path saves, in guest instructions. A kernel
 * without any of them (make QUICK=0) does the same, slower. */
#ifndef JACINTH_QUICK
#define JACINTH_QUICK 1
#endif
#define QUICK(condition) (JACINTH_QUICK && likely(condition))

#define CONTAINER_OF(pointer, type, member) ((type*)((char*)(pointer)-offsetof(type, member)))
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* `alignment` is a power of two. */
#define ALIGN_DOWN(value, alignment) ((value) & ~((__typeof__(value))(alignment)-1))
#define ALIGN_UP(value, alignment) ALIGN_DOWN((value) + (__typeof__(value))(alignment)-1, alignment)
#define IS_ALIGNED(value, alignment) (((value) & ((__typeof__(value))(alignment)-1)) == 0)

/* What one CPU writes to, and others do not, keeps off the lines of the others. */
#define CACHE_LINE_SIZE 64u

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* What the compiler may rely on, and cannot see. */
#define ASSUME(condition)            \
    do {                             \
        if (!(condition))            \
            __builtin_unreachable(); \
    } while (0)

#define NORETURN _Noreturn
#define ALWAYS_INLINE inline __attribute__((always_inline))
/* Variables that every system call or switch looks at lie together: on few pages, which are found
 * again after each change of the address space, and each on cache lines of its own. */
#define HOT_DATA __attribute__((section(".data.hot"), aligned(CACHE_LINE_SIZE)))
#define NOINLINE __attribute__((noinline))
#define PRINTF_LIKE(format_index, first_argument) \
    __attribute__((format(printf, format_index, first_argument)))
#define MUST_CHECK __attribute__((warn_unused_result))
