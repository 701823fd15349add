/* The fault table of the user copy routines; for exceptions.c. */
#pragma once

#include <stdint.h>

/* Sorts the table. Call it while the boot page tables are in use: the table is writable only then.
 */
void user_copy_init(void);

/* Returns where execution continues after a fault of the instruction at `rip`; 0: it may not fault.
 */
uintptr_t user_copy_fixup(uintptr_t rip);
