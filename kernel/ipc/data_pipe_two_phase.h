/* The two phases of a data pipe: the program works on the ring itself (data_pipe.h has the rules).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/compiler.h>

struct object;
struct window;

/* Begins two phases. Writes the address of the bytes that the program may write, or read, to
 * `address_out` (user memory). Returns the number of bytes, which are one run, or an error of
 * data_pipe_write. Any flag is an error. User memory is checked before BUSY. */
MUST_CHECK int64_t data_pipe_begin_write(zx_handle_t producer, uint32_t flags,
                                         uintptr_t address_out);
MUST_CHECK int64_t data_pipe_begin_read(zx_handle_t consumer, uint32_t flags,
                                        uintptr_t address_out);
/* Ends the two phases: `size` bytes of the run were written, or read; none if the call fails.
 * Returns an error of the handle. BAD_STATE: no two phases are open. INVALID_ARGS: more than was
 * offered, or not whole elements. */
MUST_CHECK zx_status_t data_pipe_end_write(zx_handle_t producer, size_t size);
MUST_CHECK zx_status_t data_pipe_end_read(zx_handle_t consumer, size_t size);

/* For the ops of both ends: puts the window on the end, and returns what was there. */
struct window* data_pipe_exchange_window(struct object* object, struct window* window);
