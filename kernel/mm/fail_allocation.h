/* Out of memory on purpose, so that tests can walk every path that leads out of it. Debug builds
 * only.
 *
 * The allocators ask allocation_must_fail once for each page, block or object they are asked for;
 * what one takes from another on the way counts again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef JACINTH_DEBUG
/* The n-th allocation of the calling thread from now on (counted from 1) fails, once; 0: none.
 * For one thread at a time. */
void allocation_fail_nth(uint32_t nth);
bool allocation_has_failed(void); /* whether it has come to that */
bool allocation_must_fail(void);
#else
static inline bool allocation_must_fail(void) {
    return false;
}
#endif
