/* Checks that nothing is left of programs after the last one has ended. Debug builds do this before
 * the machine stops. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/compiler.h>

#ifdef JACINTH_DEBUG
/* Notes how many objects and pages are in use. Called before the first program is made. */
void leak_check_begin(void);
/* Returns how many slab caches have more objects in use than leak_check_begin noted; lost pages
 * count as one more. `must_log`: writes each of them to the log. Exact when no other CPU allocates;
 * up to PAGE_SLACK pages may be missing. */
size_t leak_check_count(bool must_log);
/* Ends every program, waits until all are gone, and logs what is left of them. Then stops the
 * machine: with `status`, or with 1 if something is left. Called in a user thread, which ends too.
 */
NORETURN void leak_check_exit(uint32_t status);
#else
#include <debug/board.h>

static inline void leak_check_begin(void) {
}
NORETURN static inline void leak_check_exit(uint32_t status) {
    machine_exit(status);
}
#endif
