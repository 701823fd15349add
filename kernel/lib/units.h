/* Work that may take long is done in pieces. A function that works in pieces has a parameter
 * `units`: the units that are left of a piece. It subtracts what its work costs, and stops when
 * nothing is left; so the number may fall below 0. A unit is at most about 200 instructions, also
 * where freeing takes longest. */
#pragma once

#include <stdint.h>

#define UNITS_PER_PIECE 100
#define UNITS_WITHOUT_END INT64_MAX
