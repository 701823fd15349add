/* What kernel_stack.c and device_map.c share: the kernel area of the address space, and the lock of
 * the kernel's page tables outside the direct map. Only these two files include this.
 *
 *   FREE_SLOTS_BASE     the slots of stacks that are free
 *   DEVICE_AREA_BASE    device mappings */
#pragma once

#include <arch/layout.h>
#include <lock/spinlock.h>

#define FREE_SLOTS_BASE KERNEL_HEAP_BASE
#define FREE_SLOTS_SIZE (512ul << 20)
#define DEVICE_AREA_BASE (FREE_SLOTS_BASE + FREE_SLOTS_SIZE)

/* Class KERNEL_HEAP: guards the page tables of the stacks and of the kernel area. */
extern struct spinlock kernel_area_lock; /* device_map.c */
