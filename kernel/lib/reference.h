/* The last reference of something that is freed in pieces. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Drops the caller's reference. True: it was the last one. The call may then be repeated, and
 * returns true again: only the thread that dropped the last reference can see a count of 0. */
static inline bool reference_drop_once(_Atomic uint32_t* references) {
    return atomic_load_explicit(references, memory_order_relaxed) == 0 ||
           atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}
