/* The kernel's symbol table: function names for backtraces.
 *
 * scripts/symbols.py writes it into section .symbols of the second link:
 *   uint32_t count; count times { uint32_t offset from kernel_start; uint32_t name offset };
 *   then the names, NUL-terminated. Sorted by offset. The first link has a count of 0. */
#pragma once

#include <stdint.h>

/* Returns the name of the function that contains `address`, and the offset in it; NULL: not
 * known. */
const char* symbol_find(uintptr_t address, uintptr_t* offset);
/* Prints "  0x… function+0x…". */
void symbol_print(uintptr_t address);
/* Prints the callers from a frame pointer on (arch/backtrace.h), a line each. */
void symbol_print_backtrace(uintptr_t frame_pointer);
