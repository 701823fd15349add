/* The clock of all measurements. */
#pragma once

#include <stdint.h>

static inline uint64_t ticks_now(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}
