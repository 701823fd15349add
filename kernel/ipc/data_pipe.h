/* Data pipe: a ring of bytes, in whole elements, between a producer and a consumer (2016).
 *
 * Rules for data pipes:
 * - Both ends are one allocation with one lock (LOCK_OBJECT). It is freed with the last reference
 *   to either end.
 * - The ring's pages are those of a VMO. They appear when they are first written, and stay.
 *   So bytes that were never written are zero.
 * - Each end is idle, copying, in two phases, or closed (data_pipe_state.h). Only an idle end
 *   begins something. What it may do is decided by one rule, data_pipe_check_locked.
 * - A call that fails has changed nothing. The one exception: data_pipe_end_write and
 *   data_pipe_end_read end the two phases even if they fail.
 * - An end has one handle, which cannot be duplicated. So an end belongs to one process at a time.
 *
 * The arguments of each call are those of the system call, in its order, and then the caller's
 * handles. So they stay in their registers on the way here. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/rights.h>
#include <abi/types.h>
#include <lib/compiler.h>

struct object;

#define DATA_PIPE_PRODUCER_RIGHTS \
    (ZX_RIGHT_TRANSFER | ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_WAIT)
#define DATA_PIPE_CONSUMER_RIGHTS (ZX_RIGHT_TRANSFER | ZX_RIGHT_READ | ZX_RIGHT_WAIT)

/* `capacity` 0: the default. The caller gets one reference to each end. INVALID_ARGS: no element
 * size, or a capacity that is not whole elements; NO_MEMORY, also for more than
 * DATAPIPE_MAX_CAPACITY_BYTES. */
MUST_CHECK zx_status_t data_pipe_create(size_t element_size, size_t capacity,
                                        struct object** producer, struct object** consumer);

/* Writes from user memory, or reads to it. Returns the number of bytes, or the first error of:
 * BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED; NOT_SUPPORTED (unknown flag), INVALID_ARGS (flags that
 * exclude each other); BUSY; INVALID_ARGS (not whole elements); PEER_CLOSED; SHOULD_WAIT;
 * OUT_OF_RANGE; INVALID_ARGS (user memory), NO_MEMORY. CANCELED: the thread is killed. */
MUST_CHECK int64_t data_pipe_write(zx_handle_t producer, uint32_t flags, size_t size,
                                   uintptr_t from_user);
MUST_CHECK int64_t data_pipe_read(zx_handle_t consumer, uint32_t flags, size_t size,
                                  uintptr_t to_user);

/* Returns the end's threshold as it was set; 0 means one element. The caller has a reference. */
size_t data_pipe_threshold(struct object* end);
/* INVALID_ARGS: not whole elements, or more than the capacity. */
MUST_CHECK zx_status_t data_pipe_set_threshold(struct object* end, size_t threshold);
