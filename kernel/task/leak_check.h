/* Whether all that programs made is gone when the last of them is: debug builds look before the
 * machine stops. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/compiler.h>

#ifdef JACINTH_DEBUG
/* Remembers what there is. Before the first program is made. */
void leak_check_begin(void);
/* How many kinds of things there are more of since; with `must_tell`, which, in the log. Exact when
 * the CPUs are quiet; of pages, some more may be kept for later. */
size_t leak_check_count(bool must_tell);
/* Ends every program, waits until they are gone, tells in the log what is left of them, and stops
 * the machine with `status`, or with 1 if there is anything. In a user thread, which ends, too. */
NORETURN void leak_check_exit(uint32_t status);
#else
#include <arch/machine.h>

static inline void leak_check_begin(void) {
}
NORETURN static inline void leak_check_exit(uint32_t status) {
    machine_exit(status);
}
#endif
