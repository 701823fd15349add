/* Physical pages: a buddy allocator, with per-CPU caches of single pages.
 *
 * Rules for pages:
 * - Every page frame of RAM has a struct page.
 * - The allocator's lock is of class PAGES; the per-CPU caches need only preemption off.
 * - When memory runs out, the result is NULL, never a panic.
 * - No allocation in an interrupt.
 * - While a page is allocated, `owner` and `references` are for its owner. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/layout.h>
#include <arch/paging.h>
#include <lib/address.h>
#include <lib/list.h>

#define PAGE_MAX_ORDER 10 /* largest block: 4 MiB */

enum page_state {
    PAGE_RESERVED, /* firmware, kernel image, the page array itself */
    PAGE_FREE,     /* heads a block in the buddy lists */
    PAGE_INSIDE,   /* in a block that another page heads */
    PAGE_CACHED,   /* in a CPU's cache */
    PAGE_ALLOCATED,
};

struct page {
    union {
        struct list_node node; /* in a free list; while allocated, in a list of the owner */
        struct {               /* for a VMO's page that is not settled: see vmo_fork.c */
            struct page* replaced;
            uint64_t fork_number;
        };
    };
    void* owner;                 /* the slab, VMO, ...; NULL again when the page is freed */
    uint8_t state;               /* enum page_state */
    uint8_t order;               /* of the block that this page heads */
    _Atomic uint32_t references; /* for VMO pages: how many VMOs share the page */
};

/* `ram`: the usable ranges, sorted, without the kernel image, modules and boot data. The page array
 * is placed in them. The direct map must cover that place already. */
void page_init(const struct physical_range* ram, size_t count);
/* Sets up this CPU's cache, once its struct cpu exists. */
void page_init_cpu(void);
/* Adds a range later: the boot archive, ACPI memory that is not needed any more. */
void page_add_range(struct physical_range range);

struct page* page_alloc(void); /* contents undefined; poisoned in debug builds */
struct page* page_alloc_zeroed(void);
struct page* page_alloc_order(unsigned order); /* 2^order contiguous pages, aligned to their size */
void page_free(struct page* page);
void page_free_order(struct page* page, unsigned order);

struct page* page_from_physical(physical_address_t address); /* NULL: not RAM */
physical_address_t page_to_physical(const struct page* page);
static inline void* page_to_virtual(const struct page* page) {
    return physical_to_virtual(page_to_physical(page));
}
static inline struct page* page_from_virtual(const void* address) {
    return page_from_physical(virtual_to_physical(address));
}

/* For any thread, with or without preemption. */
void page_clear(struct page* page);
void page_copy(struct page* to, const struct page* from);

size_t page_count_total(void);
size_t page_count_free(void); /* includes the per-CPU caches; exact when no CPU allocates */
