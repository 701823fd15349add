/* Walking frame pointers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fills `addresses` with return addresses, innermost first; frame_pointer 0 means the caller's own.
 * Never faults: each frame must lie in kernel memory that is mapped. */
size_t backtrace_collect(uintptr_t frame_pointer, uintptr_t* addresses, size_t limit);
/* Where backtrace_collect begins for a thread that does not run. */
struct thread_context;
uintptr_t backtrace_begin(const struct thread_context* context);
