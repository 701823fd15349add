/* Makes something again and again, each time with the next of its allocations failing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef JACINTH_DEBUG
/* `make` makes something, undoes it, and returns whether there was memory enough. Fails the test
 * unless each failure leaves as many pages and objects as there were. `least`: so many allocations
 * there are at the least, or the test proves nothing. */
void fail_each(bool (*make)(void), uint32_t least);
#endif
