/* Macros for compiler attributes, as Zircon programs use them. */
#pragma once

#ifdef __cplusplus
#define __BEGIN_CDECLS extern "C" {
#define __END_CDECLS }
#else
#define __BEGIN_CDECLS
#define __END_CDECLS
#endif

#define __NO_RETURN __attribute__((__noreturn__))
#define __PRINTFLIKE(format_index, first_argument) \
    __attribute__((__format__(__printf__, format_index, first_argument)))
#define __UNUSED __attribute__((__unused__))
#define __USED __attribute__((__used__))
#define __PACKED __attribute__((__packed__))
#define __ALIGNED(bytes) __attribute__((__aligned__(bytes)))
#define __WEAK __attribute__((__weak__))
#define __NO_INLINE __attribute__((__noinline__))
#define __ALWAYS_INLINE __attribute__((__always_inline__))
#define __WARN_UNUSED_RESULT __attribute__((__warn_unused_result__))

#ifndef likely
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#endif
#ifndef countof
#define countof(array) (sizeof(array) / sizeof((array)[0]))
#endif
