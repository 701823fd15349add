/* Small helpers of the language itself. */
#pragma once

#include <stddef.h>

/* Only where the benchmark gets slower without it; else a plain condition reads better. */
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* The only way into a fast path. The slow path beside it does everything; the fast path does the
 * common case with fewer instructions. The comment at the place says what it saves, in guest
 * instructions. A kernel built with QUICK=0 has no fast paths, and behaves the same.
 *
 * `name` is a plain word, of one place only. QUICK_OFF=name builds a kernel without that one fast
 * path: the compiler compares the two words, and drops the code. `make quick-report` measures each
 * fast path in this way, and fails if one saves too little. QUICK is used only in kernel/ipc and
 * kernel/syscall, because QUICK_OFF compiles only these anew. */
#ifndef JACINTH_QUICK
#define JACINTH_QUICK 1
#endif
#ifndef JACINTH_QUICK_OFF
#define JACINTH_QUICK_OFF ""
#endif
#define QUICK(name, condition) \
    (JACINTH_QUICK && __builtin_strcmp(#name, JACINTH_QUICK_OFF) != 0 && likely(condition))

#define CONTAINER_OF(pointer, type, member) ((type*)((char*)(pointer)-offsetof(type, member)))
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* `alignment` is a power of two. */
#define ALIGN_DOWN(value, alignment) ((value) & ~((__typeof__(value))(alignment)-1))
#define ALIGN_UP(value, alignment) ALIGN_DOWN((value) + (__typeof__(value))(alignment)-1, alignment)
#define IS_ALIGNED(value, alignment) (((value) & ((__typeof__(value))(alignment)-1)) == 0)

/* Data that one CPU writes often should not share a cache line with data of other CPUs. */
#define CACHE_LINE_SIZE 64u

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Promises the compiler a condition that it cannot derive. */
#define ASSUME(condition)            \
    do {                             \
        if (!(condition))            \
            __builtin_unreachable(); \
    } while (0)

#define NORETURN _Noreturn
#define ALWAYS_INLINE inline __attribute__((always_inline))
/* For variables that every system call or thread switch reads. They lie together on few pages,
 * which costs few TLB entries after a change of the address space, and each on its own cache lines.
 */
#define HOT_DATA __attribute__((section(".data.hot"), aligned(CACHE_LINE_SIZE)))
#define NOINLINE __attribute__((noinline))
#define PRINTF_LIKE(format_index, first_argument) \
    __attribute__((format(printf, format_index, first_argument)))
#define MUST_CHECK __attribute__((warn_unused_result))
