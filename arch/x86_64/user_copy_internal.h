/* The fault table of the user copy routines; for exceptions.c. */
#pragma once

#include <stdint.h>

/* Where to go on when the instruction at `rip` faulted; 0: it may not fault. */
uintptr_t user_copy_fixup(uintptr_t rip);
