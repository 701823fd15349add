/* Physical pages: a buddy allocator with per-CPU caches of single pages.
 *
 * Every page frame of RAM has a struct page. The allocator's lock is PAGES; the per-CPU caches need
 * only preemption off. Out of memory is NULL, never a panic. Not from interrupt context. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
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
        struct list_node node; /* free lists; the owner's lists while allocated */
        struct {               /* a VMO's page that is not settled: see vmo_fork.c */
            struct page* replaced;
            uint64_t fork_number;
        };
    };
    void* owner;    /* slab, VMO, ...: the owner's use; NULL again when the page is given back */
    uint8_t state;  /* enum page_state */
    uint8_t order;  /* of the block this page heads */
    uint16_t flags; /* the owner's use */
    _Atomic uint32_t references; /* the owner's use: VMO pages shared or pinned */
};

/* `ram`: usable ranges without the kernel image, modules and boot data, sorted. The page array is
 * placed in it. Direct map must cover it or be extended as paging_init runs. */
void page_init(const struct physical_range* ram, size_t count);
/* Per-CPU caches: once the CPU's struct exists. */
void page_init_cpu(void);
/* Gives [start, end) to the allocator later (boot archive, ACPI reclaim). */
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

/* With or without preemption, in any thread. */
void page_clear(struct page* page);
void page_copy(struct page* to, const struct page* from);

size_t page_count_total(void);
size_t page_count_free(void); /* exact when the CPUs are quiet; includes the per-CPU caches */
