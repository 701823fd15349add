/* Ends the kernel after a failure. kernel/debug makes the reports. The functions are declared here,
 * because the rooms below call them too. Any context; never returns. */
#pragma once

#include <lib/compiler.h>

struct exception_frame;

/* Prints the reason, registers, a symbolised backtrace, the current process and thread and the last
 * log lines. Leaves QEMU with a failing status. */
NORETURN void panic(const char* format, ...) PRINTF_LIKE(1, 2);
NORETURN void panic_with_frame(const struct exception_frame* frame, const char* format, ...)
    PRINTF_LIKE(2, 3);
/* Ends a boot that cannot go on, although the kernel has no error. Prints one clear line and no
 * backtrace. */
NORETURN void boot_fail(const char* format, ...) PRINTF_LIKE(1, 2);

/* ASSERT: the impossible. Debug builds only, so its expression must have no effects.
 * CHECK: the impossible, but cheap enough or grave enough to test in release builds too. */
#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : panic("%s:%d: %s: check failed: %s", __FILE__, __LINE__, __func__, #condition))
#ifdef JACINTH_DEBUG
#define ASSERT(condition) \
    ((condition)          \
         ? (void)0        \
         : panic("%s:%d: %s: assertion failed: %s", __FILE__, __LINE__, __func__, #condition))
#else
#define ASSERT(condition) ((void)sizeof(condition))
#endif
