/* Stacks of all threads except the first. */
#pragma once

#include <internal/thread_control.h>

/* Makes a stack with an initialized control structure at its high end. NULL: no memory. */
struct thread_control* stack_create(void);
/* Frees the stack of a thread that has ended. Does nothing for the first thread, whose stack libc
 * did not make. */
void stack_destroy(struct thread_control* thread);
/* The address at which the stack begins to grow down; aligned to 64 bytes. */
uintptr_t stack_top(const struct thread_control* thread);
