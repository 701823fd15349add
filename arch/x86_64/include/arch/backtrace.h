/* Walking frame pointers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Stores the return addresses of the calling functions in `addresses`, innermost first, and returns
 * how many. With frame_pointer 0 it begins at its own frame. Never faults: it reads a frame only
 * where kernel memory is mapped. */
size_t backtrace_collect(uintptr_t frame_pointer, uintptr_t* addresses, size_t limit);
/* Returns the frame pointer from which backtrace_collect begins for a thread that does not run. */
struct thread_context;
uintptr_t backtrace_begin(const struct thread_context* context);
