/* Makes allocations fail on purpose, so that tests can walk every path that begins with a failed
 * allocation. Debug builds only.
 *
 * The allocators call allocation_must_fail once for each page, block or object. An allocator that
 * takes memory from another one counts again there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef JACINTH_DEBUG
/* Makes the n-th next allocation of the calling thread fail (counted from 1), once. 0: none. One
 * thread at a time may use this. */
void allocation_fail_nth(uint32_t nth);
bool allocation_has_failed(void); /* whether that allocation has been made */
bool allocation_must_fail(void);
#else
static inline bool allocation_must_fail(void) {
    return false;
}
#endif
