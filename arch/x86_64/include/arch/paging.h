/* Page tables and TLBs.
 *
 * A struct page_table is the root of one address space; all address spaces share the upper half.
 * The caller's lock (aspace lock, or kernel heap lock) guards a table.
 *
 * Operations that remove pages or permissions flush the TLB of every CPU that has the table loaded,
 * and then return. Never call these with interrupts off. Table pages come from table_page_alloc and
 * are counted in `table_pages`. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <abi/types.h>
#include <lib/address.h>

enum {
    PAGING_READ = 1 << 0,
    PAGING_WRITE = 1 << 1,
    PAGING_EXECUTE = 1 << 2,
    PAGING_USER = 1 << 3,
    PAGING_UNCACHED = 1 << 4, /* device memory */
};

struct page_table {
    physical_address_t root;
    _Atomic uint32_t active_cpus; /* bit per CPU that has this table loaded */
    size_t table_pages;
};

struct physical_range {
    uint64_t start, end; /* [start, end), page aligned */
};

/* Builds the final kernel tables, all global: the image with W^X, and a direct map that is never
 * executable. The direct map covers the first 4 GiB and the `count` ranges of `ram`. Needs
 * table_page_alloc. Boot CPU only. */
void paging_init(const struct physical_range* ram, size_t count);
/* Loads the final tables on this (secondary) CPU. */
void paging_init_cpu(void);

zx_status_t page_table_init(struct page_table* table); /* NO_MEMORY */
/* Frees the root; nothing may be mapped. */
void page_table_destroy(struct page_table* table);

/* Maps one 4 KiB page. ALREADY_EXISTS: a page is mapped there, and stays. NO_MEMORY: nothing has
 * changed. */
zx_status_t page_table_map(struct page_table* table, virtual_address_t address,
                           physical_address_t physical, uint32_t flags);
/* Unmaps the pages in [address, address + size), which may have holes. Frees the table pages that
 * became empty, and flushes. */
void page_table_unmap(struct page_table* table, virtual_address_t address, size_t size);
/* page_table_unmap until the units are used up. Returns the size that was unmapped, from the start
 * of the range. */
size_t page_table_unmap_some(struct page_table* table, virtual_address_t address, size_t size,
                             int64_t* units);
/* Changes the permissions of the pages that are mapped in the range, and flushes. */
void page_table_protect(struct page_table* table, virtual_address_t address, size_t size,
                        uint32_t flags);
/* Finds the page mapped at `address`; false: no page is mapped there. */
bool page_table_query(const struct page_table* table, virtual_address_t address,
                      physical_address_t* physical, uint32_t* flags);

/* Returns the kernel's own table (upper half), for mm/kernel_stack and mm/device_map. */
struct page_table* page_table_kernel(void);
/* Unmaps one page of the kernel's table; false: none is mapped. Neither flushes the TLBs nor frees
 * table pages. Until page_table_kernel_flush, the caller may not free the page, nor map another at
 * the address. */
bool page_table_kernel_take(virtual_address_t address, physical_address_t* physical);
/* Flushes the pages taken by page_table_kernel_take from the TLBs of all CPUs. No lock held,
 * interrupts on. */
void page_table_kernel_flush(void);

/* Loads the table `to` on this CPU (NULL: the kernel's own) in place of `from`. Preemption off. */
void page_table_switch(struct page_table* from, struct page_table* to);
/* The same between the tables of two programs, inline for the scheduler. `here` is this CPU's mask.
 */
static inline void page_table_exchange(struct page_table* from, struct page_table* to,
                                       uint32_t here) {
    atomic_fetch_or(&to->active_cpus, here); /* before the load: see flush_everywhere */
    __asm__ volatile("mov %0, %%cr3" ::"r"(to->root.value) : "memory");
    atomic_fetch_and(&from->active_cpus, ~here);
}
