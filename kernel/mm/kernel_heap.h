/* Kernel virtual ranges outside the direct map: stacks with guard pages, device mappings. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/address.h>

#define KERNEL_STACK_SIZE 16384ul

/* A stack of KERNEL_STACK_SIZE with an unmapped page below it; returns its TOP (highest address,
 * 16-byte aligned), NULL: no memory. Freed stacks are kept, mapped, for the next thread. */
void* kernel_stack_alloc(void);
/* True: more are kept than should be; somebody must call kernel_stack_trim_batch until it returns
 * false. */
bool kernel_stack_free(void* top);
/* Unmaps some of those that are kept: a bounded piece of work. Interrupts everybody once. True:
 * there is more. No lock held. */
bool kernel_stack_trim_batch(void);
void kernel_stack_trim(void); /* gives all that are kept back, for leak tests */
/* True when `address` is in a guard page: a fault there is a stack overflow. */
bool kernel_stack_is_guard(virtual_address_t address);

/* Maps device memory uncached; for ever. NULL: no memory. */
volatile void* device_map(physical_address_t address, size_t size);
