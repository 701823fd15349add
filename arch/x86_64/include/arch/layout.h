/* The kernel's virtual memory map (docs/memory-map.md draws it).
 *
 *   0x0000000000001000 - 0x00007fffffffefff  user programs
 *   PHYSICAL_MAP_BASE  + 16 TiB              all physical memory, large pages, NX
 *   KERNEL_STACKS_BASE + 4 TiB               guarded kernel stacks, 4 KiB pages
 *   KERNEL_HEAP_BASE   + 512 GiB             device mappings and the like, 4 KiB pages
 *   KERNEL_IMAGE_BASE  + 1 GiB               the kernel image itself (-2 GiB)
 */
#pragma once

#include <lib/address.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul

#define USER_ADDRESS_MIN 0x0000000000001000ul
#define USER_ADDRESS_BITS 47
#define USER_ADDRESS_END 0x00007ffffffff000ul /* first address past user space */
#ifdef JACINTH_HOST /* the build machine's tests lay out memory where they can */
#define PHYSICAL_MAP_BASE 0x200000000000ul
#define KERNEL_STACKS_BASE 0x300000000000ul
#else
#define PHYSICAL_MAP_BASE 0xffff800000000000ul
#define KERNEL_STACKS_BASE 0xffffc00000000000ul
#endif
#define KERNEL_STACKS_SIZE (4ul << 40)
#define KERNEL_HEAP_BASE (KERNEL_STACKS_BASE + KERNEL_STACKS_SIZE)
#define KERNEL_IMAGE_BASE 0xffffffff80000000ul

#ifndef __ASSEMBLER__
/* The direct map of physical memory. The boot tables cover the first 4 GiB; paging_init adds the
 * RAM above. */
static inline void* physical_to_virtual(physical_address_t address) {
    return (void*)(address.value + PHYSICAL_MAP_BASE);
}
static inline physical_address_t virtual_to_physical(const void* direct_mapped) {
    return physical_address((uint64_t)direct_mapped - PHYSICAL_MAP_BASE);
}
/* For addresses inside the kernel image. */
physical_address_t kernel_image_to_physical(const void* pointer);
#endif
