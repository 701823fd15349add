/* Stacks of threads other than the first. */
#pragma once

#include <internal/thread_control.h>

/* A stack with a laid out control structure at its high end; NULL: no memory. */
struct thread_control* stack_create(void);
/* Gives it back; its thread runs no longer. The first thread's is not ours: nothing happens. */
void stack_destroy(struct thread_control* thread);
/* Where the stack begins to grow down, 64-byte aligned. */
uintptr_t stack_top(const struct thread_control* thread);
