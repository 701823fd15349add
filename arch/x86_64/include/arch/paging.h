/* Page tables and TLBs.
 *
 * A struct page_table is one address space's root; the upper half is shared by all. The caller's
 * lock (aspace lock, or kernel heap lock) guards a table. Operations that make permissions tighter
 * flush the TLBs of every CPU that has the table loaded before they return: never call them with
 * interrupts off. Table pages come from table_page_alloc and are counted in `table_pages`. */
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

/* Builds the final kernel tables: image with W^X, the direct map of `ram` (count ranges) plus the
 * first 4 GiB of device space uncached as needed, NX, global. Needs table_page_alloc. Boot CPU
 * only. */
void paging_init(const struct physical_range* ram, size_t count);
/* Loads the final tables on this (secondary) CPU. */
void paging_init_cpu(void);

zx_status_t page_table_init(struct page_table* table); /* NO_MEMORY */
void page_table_destroy(
    struct page_table* table); /* frees every table page; nothing may be mapped */

/* Maps one 4 KiB page. ALREADY_EXISTS: there is one, which stays. NO_MEMORY leaves no trace. */
zx_status_t page_table_map(struct page_table* table, virtual_address_t address,
                           physical_address_t physical, uint32_t flags);
/* Removes [address, address + size) (4 KiB granules; holes allowed), frees table pages that became
 * empty, flushes. */
void page_table_unmap(struct page_table* table, virtual_address_t address, size_t size);
/* Changes the permissions of what is mapped in the range; flushes. */
void page_table_protect(struct page_table* table, virtual_address_t address, size_t size,
                        uint32_t flags);
/* What is mapped at `address`; false if nothing. */
bool page_table_query(const struct page_table* table, virtual_address_t address,
                      physical_address_t* physical, uint32_t* flags);

/* The kernel's own table (upper half), for mm/kernel_stack and mm/device_map. */
struct page_table* page_table_kernel(void);
/* Takes one page out of it, and leaves the TLBs and the table page as they are: the caller gives
 * the page away, and maps another one at the address, only after page_table_kernel_flush. */
bool page_table_kernel_take(virtual_address_t address, physical_address_t* physical);
/* Makes all CPUs forget what was taken out. No lock held, interrupts on. */
void page_table_kernel_flush(void);

/* Makes `to` (NULL: the kernel's own) the one this CPU uses. Preemption off. */
void page_table_switch(struct page_table* from, struct page_table* to);
/* The same between two programs' tables, inline for the scheduler; `here` is this CPU's mask. */
static inline void page_table_exchange(struct page_table* from, struct page_table* to,
                                       uint32_t here) {
    atomic_fetch_or(&to->active_cpus, here); /* before the load: see flush_everywhere */
    __asm__ volatile("mov %0, %%cr3" ::"r"(to->root.value) : "memory");
    atomic_fetch_and(&from->active_cpus, ~here);
}
