/* What the kernel's code finds on the build machine instead of its lower floors: memory from
 * malloc, so that the address sanitizer knows every object; threads of the machine; user memory
 * that is the program's own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The main thread becomes one that the kernel's code knows. */
void shim_init(void);

/* User memory at [start, start + size) cannot be reached, by no way; size 0: everything can. */
void user_forbid(const void* start, size_t size);
/* The n-th access to user memory under a spinlock from now on (1: the next) finds its page not
 * present, so that the caller must let go, bring it in and try again; 0: none. */
void user_absent_nth(unsigned nth);
bool user_was_absent(void); /* whether it has come to that */
/* Called once, when pages are brought in next, with no lock held. NULL: nothing. */
void user_on_next_fault_in(void (*action)(void));
