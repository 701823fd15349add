/* Kernel stacks, each with a guard page below.
 *
 * Rules for kernel stacks:
 * - The owner of a stack keeps only its top; the stack grows down from there.
 * - A stack is freed by code that runs on another stack.
 * - Unmapping stacks interrupts all CPUs, so it is done in batches, by the cleaner. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define KERNEL_STACK_SIZE 16384ul

/* Returns the top of a new stack: its highest address, aligned to 16 bytes. NULL: no memory. The
 * stack has KERNEL_STACK_SIZE bytes and an unmapped guard page below. A freed stack is kept,
 * mapped, for the next thread. */
void* kernel_stack_alloc(void);
/* True: too many stacks are kept now. The caller must see to it that kernel_stack_trim_batch is
 * called until that returns false. */
bool kernel_stack_free(void* top);
/* Unmaps some of the kept stacks: a bounded piece of work. Interrupts every CPU once. True: there
 * are more. No lock held. */
bool kernel_stack_trim_batch(void);
void kernel_stack_trim(void); /* frees all kept stacks, for leak tests */
/* Returns how many pages are tables and free slots of stacks. They stay for later stacks. For leak
 * tests, when no thread is created or ends. */
size_t kernel_stack_bookkeeping_pages(void);
