/* The fault table of the user copy routines; for exceptions.c. */
#pragma once

#include <stdint.h>

/* Puts the table in order. While the boot page tables are in use, where it can be written. */
void user_copy_init(void);

/* Where to go on when the instruction at `rip` faulted; 0: it may not fault. */
uintptr_t user_copy_fixup(uintptr_t rip);
