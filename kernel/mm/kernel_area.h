/* What kernel_stack.c and device_map.c share: the kernel area of the address space, and the lock of
 * the kernel's page tables outside the direct map. Only these two files include this.
 *
 *   STACK_BITMAP_BASE   the bitmap of stack slots
 *   DEVICE_AREA_BASE    device mappings */
#pragma once

#include <arch/layout.h>
#include <lock/spinlock.h>

#define STACK_BITMAP_BASE KERNEL_HEAP_BASE
#define STACK_BITMAP_SIZE (16ul << 20)
#define DEVICE_AREA_BASE (STACK_BITMAP_BASE + STACK_BITMAP_SIZE)

/* Class KERNEL_HEAP: guards the page tables of the stacks and of the kernel area. */
extern struct spinlock kernel_area_lock; /* device_map.c */
