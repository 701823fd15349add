/* Futexes: threads of one process wait for each other at an address.
 *
 * Rules for futexes:
 * - An address is aligned to four bytes and lies in user space.
 * - A waiter checks the word and begins to wait in one step, so no wake is lost.
 * - Threads of different processes never meet, even at the same memory. */
#pragma once

#include <stdint.h>

#include <abi/types.h>

struct aspace;

/* Blocks if the word at `address` is `current_value`: until a wake (OK), until `deadline`
 * (TIMED_OUT) or until a kill (CANCELED). BAD_STATE: the word has another value. INVALID_ARGS: bad
 * or unaligned address. */
zx_status_t futex_wait(struct aspace* aspace, uintptr_t address, int32_t current_value,
                       zx_time_t deadline);
/* Wakes up to `count` threads, the longest waiting first. INVALID_ARGS: the address is unaligned or
 * not in user space. */
zx_status_t futex_wake(struct aspace* aspace, uintptr_t address, uint32_t count);
