/* Futexes: threads of one process that wait for each other at an address. */
#pragma once

#include <stdint.h>

#include <abi/types.h>

struct aspace;

/* Blocks if the word at `address` is `current_value`, until woken (OK), `deadline` (TIMED_OUT) or a
 * kill (CANCELED). BAD_STATE: it has another value. INVALID_ARGS: bad or unaligned address. */
zx_status_t futex_wait(struct aspace* aspace, uintptr_t address, int32_t current_value,
                       zx_time_t deadline);
/* Wakes up to `count` threads, the longest waiting first. INVALID_ARGS: unaligned, or no user
 * address. */
zx_status_t futex_wake(struct aspace* aspace, uintptr_t address, uint32_t count);
