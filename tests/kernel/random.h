/* Numbers that look random and are the same in each run. */
#pragma once

#include <stdint.h>

/* `state` is the user's own; any start will do. 24 bits. */
static inline uint32_t random_next(uint32_t* state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}
