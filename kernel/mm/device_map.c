/* Device mappings follow each other in the kernel area, with an unmapped page between them. */
#include <mm/device_map.h>

#include <arch/paging.h>
#include <lib/compiler.h>
#include <mm/kernel_area.h>

struct spinlock kernel_area_lock = SPINLOCK_INITIALIZER(LOCK_KERNEL_HEAP);

static virtual_address_t next_address = DEVICE_AREA_BASE; /* under kernel_area_lock */

/* The lock covers the search for a place and the page tables: two CPUs may map devices at once. */
volatile void* device_map(physical_address_t address, size_t size) {
    uint64_t start = ALIGN_DOWN(address.value, PAGE_SIZE);
    size_t length = ALIGN_UP(address.value + size, PAGE_SIZE) - start;
    spin_lock(&kernel_area_lock);
    virtual_address_t base = next_address;
    bool is_mapped = true;
    for (size_t offset = 0; offset < length && is_mapped; offset += PAGE_SIZE)
        is_mapped =
            page_table_map(page_table_kernel(), base + offset, physical_address(start + offset),
                           PAGING_READ | PAGING_WRITE | PAGING_UNCACHED) == 0;
    if (is_mapped)
        next_address += length + PAGE_SIZE;
    else
        page_table_unmap(page_table_kernel(), base, length);
    spin_unlock(&kernel_area_lock);
    return is_mapped ? (volatile void*)(base + (address.value - start)) : NULL;
}
