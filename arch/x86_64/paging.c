/* Page tables: four levels of 512 entries. Each table page has a count of its present entries
 * (arch/upcalls.h), so that it can be freed when the last one goes. */
#include <arch/paging.h>

#include <abi/errors.h>
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/preempt.h>
#include <arch/upcalls.h>
#include <lib/compiler.h>
#include <lib/panic.h>
#include <lib/string.h>

#include "cpu_internal.h"
#include "paging_internal.h"
#include "registers.h"

/* To flush more pages than this, the whole TLB is flushed. */
#define FLUSH_PAGES_MAX 32u
/* page_table_unmap_some unmaps at most PART_SIZE at once. It counts a unit for each
 * LOOK_SIZE_PER_UNIT of the range, for each CLEAR_SIZE_PER_UNIT that was mapped, and for each table
 * that it frees. */
#define PART_SIZE (64 * PAGE_SIZE)
#define LOOK_SIZE_PER_UNIT (32 * PAGE_SIZE)
#define CLEAR_SIZE_PER_UNIT (3 * PAGE_SIZE)

static struct page_table kernel_table = {.active_cpus = UINT32_MAX};

physical_address_t kernel_image_to_physical(const void* pointer) {
    return physical_address((uint64_t)pointer - KERNEL_IMAGE_BASE);
}

struct page_table* page_table_kernel(void) {
    return &kernel_table;
}

/* --- walking ------------------------------------------------------------------------------- */

uint64_t entry_flags(uint32_t flags) {
    uint64_t global = cpu_features.has_global_pages ? ENTRY_GLOBAL : 0;
    uint64_t no_execute = cpu_features.has_nx ? ENTRY_NO_EXECUTE : 0;
    return ENTRY_PRESENT | (flags & PAGING_WRITE ? ENTRY_WRITABLE : 0) |
           (flags & PAGING_EXECUTE ? 0 : no_execute) | (flags & PAGING_USER ? ENTRY_USER : global) |
           (flags & PAGING_UNCACHED ? ENTRY_UNCACHED | ENTRY_WRITE_THROUGH : 0);
}

void entry_set(uint64_t* table, unsigned index, uint64_t value) {
    table[index] = value;
    ++*table_page_count(table);
}

/* Table pages that are not linked into a page table, chained through their first entry. The address
 * of a page has bit 0 clear. So a CPU that still walks an unlinked table reads this entry as not
 * present. */
static void chain_push(uint64_t** chain, uint64_t* table) {
    table[0] = (uint64_t)*chain;
    *chain = table;
}

/* Returns a table, empty again; NULL: the chain is empty. */
static uint64_t* chain_pop(uint64_t** chain) {
    uint64_t* table = *chain;
    if (table) {
        *chain = (uint64_t*)table[0];
        table[0] = 0;
    }
    return table;
}

/* Frees the table pages. Pages unlinked from a page table are kept until no TLB refers to them. */
static void tables_free(uint64_t** tables) {
    uint64_t* table;
    while ((table = chain_pop(tables)))
        table_page_free(table);
}

/* Clears the entry, and unlinks every table on the way up that became empty. `path[level]` is the
 * table of that level. The root stays; so do the shared tables right below its upper half. */
static void entry_clear(struct page_table* table, uint64_t* path[], virtual_address_t address,
                        uint64_t** freed) {
    bool is_kernel = address >= PHYSICAL_MAP_BASE;
    for (unsigned level = 0; level <= TOP_LEVEL; level++) {
        path[level][entry_index(address, level)] = 0;
        uint32_t left = --*table_page_count(path[level]);
        if (left > 0 || level + (is_kernel ? 1 : 0) >= TOP_LEVEL)
            return;
        chain_push(freed, path[level]);
        table->table_pages--;
    }
}

/* Finds the tables for `address` down to level 0. Returns the level of the entry that ends the
 * walk: 0, or the level at which an entry is empty or a large page. */
static unsigned walk(const struct page_table* table, virtual_address_t address, uint64_t* path[]) {
    unsigned level = TOP_LEVEL;
    path[level] = physical_to_virtual(table->root);
#pragma GCC unroll 3
    for (; level > 0; level--) {
        uint64_t entry = path[level][entry_index(address, level)];
        if (!(entry & ENTRY_PRESENT) || entry & ENTRY_LARGE)
            break;
        path[level - 1] = table_at(entry);
    }
    return level;
}

/* --- TLBs ---------------------------------------------------------------------------------- */

struct flush_request {
    virtual_address_t start;
    size_t size;
    bool is_kernel;
};

static void flush_here(void* argument) {
    const struct flush_request* request = argument;
    if (request->size <= FLUSH_PAGES_MAX * PAGE_SIZE) {
        for (size_t done = 0; done < request->size; done += PAGE_SIZE)
            __asm__ volatile("invlpg (%0)" ::"r"(request->start + done) : "memory");
    } else if (request->is_kernel && cpu_features.has_global_pages) {
        /* A reload of CR3 does not flush global entries. */
        uint64_t cr4 = cr4_read();
        cr4_write(cr4 & ~CR4_PGE);
        cr4_write(cr4);
    } else {
        cr3_write(cr3_read());
    }
}

/* The fence orders the caller's writes to the entries before the read of active_cpus. A CPU that
 * loads the table later sees the new entries. */
static void flush_everywhere(struct page_table* table, virtual_address_t start, size_t size) {
    struct flush_request request = {start, size, table == &kernel_table};
    preempt_disable();
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t active = atomic_load_explicit(&table->active_cpus, memory_order_relaxed);
    uint32_t here = 1u << cpu_number();
    if (active & here)
        flush_here(&request);
    if (active & ~here && cpu_count() > 1)
        ipi_call(active & ~here, flush_here, &request);
    preempt_enable();
}

/* --- one address space ----------------------------------------------------------------------- */

zx_status_t page_table_init(struct page_table* table) {
    uint64_t* root = table_page_alloc();
    if (!root)
        return ZX_ERR_NO_MEMORY;
    *table = (struct page_table){.root = virtual_to_physical(root), .table_pages = 1};
    const uint64_t* kernel_root = physical_to_virtual(kernel_table.root);
    memcpy(root + KERNEL_FIRST_ENTRY, kernel_root + KERNEL_FIRST_ENTRY,
           (ENTRIES_PER_TABLE - KERNEL_FIRST_ENTRY) * sizeof(*root));
    return ZX_OK;
}

void page_table_destroy(struct page_table* table) {
    void* root = physical_to_virtual(table->root);
    ASSERT(*table_page_count(root) == 0 && table->active_cpus == 0);
    table_page_free(root);
    table->table_pages = 0;
}

/* Creates the missing tables for `address` down to level 0: all of them, or none (NO_MEMORY). */
static zx_status_t walk_or_create(struct page_table* table, virtual_address_t address,
                                  uint64_t* path[]) {
    unsigned missing = walk(table, address, path);
    uint64_t* created = NULL;
    for (unsigned i = 0; i < missing; i++) {
        uint64_t* new_table = table_page_alloc();
        if (!new_table) {
            tables_free(&created);
            return ZX_ERR_NO_MEMORY;
        }
        chain_push(&created, new_table);
    }
    for (unsigned level = missing; level > 0; level--) {
        path[level - 1] = chain_pop(&created);
        entry_set(path[level], entry_index(address, level),
                  virtual_to_physical(path[level - 1]).value | ENTRY_PRESENT | ENTRY_WRITABLE |
                      ENTRY_USER);
        table->table_pages++;
    }
    return ZX_OK;
}

zx_status_t page_table_map(struct page_table* table, virtual_address_t address,
                           physical_address_t physical, uint32_t flags) {
    uint64_t* path[TOP_LEVEL + 1];
    zx_status_t status = walk_or_create(table, address, path);
    if (status != ZX_OK)
        return status;
    if (path[0][entry_index(address, 0)] & ENTRY_PRESENT)
        return ZX_ERR_ALREADY_EXISTS;
    entry_set(path[0], entry_index(address, 0), physical.value | entry_flags(flags));
    return ZX_OK;
}

/* Returns the first address past the range of the entry at `level` for `address`. */
static virtual_address_t entry_end(virtual_address_t address, unsigned level) {
    size_t span = 1ul << level_shift(level);
    return ALIGN_DOWN(address, span) + span;
}

/* The range that was changed; only this range is flushed. */
struct change {
    virtual_address_t start, end;
};

static void change_note(struct change* change, virtual_address_t address) {
    if (change->end == 0)
        change->start = address;
    change->end = address + PAGE_SIZE;
}

static void change_flush(struct page_table* table, const struct change* change) {
    if (change->end != 0)
        flush_everywhere(table, change->start, change->end - change->start);
}

/* Unmaps the pages of a range (`flags` 0), or gives them the entry bits `flags`. Walks once for
 * each table of level 0, and then goes along that table. If entry_clear unlinks it, it is empty,
 * but is not freed before tables_free. Returns `end`, or a later address if nothing is mapped
 * before that. */
static ALWAYS_INLINE virtual_address_t change_range(struct page_table* table, virtual_address_t at,
                                                    virtual_address_t end, uint64_t flags,
                                                    uint64_t** freed, struct change* change) {
    while (at < end) {
        uint64_t* path[TOP_LEVEL + 1];
        unsigned level = walk(table, at, path);
        if (level > 0) {
            at = entry_end(at, level);
            continue;
        }
        uint64_t* entry = &path[0][entry_index(at, 0)];
        for (virtual_address_t stop = MIN(entry_end(at, 1), end); at < stop;
             at += PAGE_SIZE, entry++)
            if (*entry & ENTRY_PRESENT) {
                if (flags)
                    *entry = (*entry & ENTRY_ADDRESS_MASK) | flags;
                else
                    entry_clear(table, path, at, freed);
                change_note(change, at);
            }
    }
    return at;
}

void page_table_unmap(struct page_table* table, virtual_address_t address, size_t size) {
    uint64_t* freed = NULL;
    struct change change = {0};
    (void)change_range(table, address, address + size, 0, &freed, &change);
    change_flush(table, &change);
    tables_free(&freed);
}

/* Flushes once, after all parts are unmapped. */
size_t page_table_unmap_some(struct page_table* table, virtual_address_t address, size_t size,
                             int64_t* units) {
    uint64_t* freed = NULL;
    struct change change = {0};
    virtual_address_t at = address, end = address + size;
    while (*units > 0 && at < end) {
        size_t tables = table->table_pages;
        virtual_address_t part_end = MIN(at + PART_SIZE, end);
        virtual_address_t next = change_range(table, at, part_end, 0, &freed, &change);
        *units -= 1 + (int64_t)((part_end - at) / LOOK_SIZE_PER_UNIT + tables - table->table_pages);
        if (change.end > at)
            *units -= (int64_t)((change.end - at) / CLEAR_SIZE_PER_UNIT);
        at = next;
    }
    change_flush(table, &change);
    tables_free(&freed);
    return MIN(at, end) - address;
}

void page_table_protect(struct page_table* table, virtual_address_t address, size_t size,
                        uint32_t flags) {
    struct change change = {0};
    (void)change_range(table, address, address + size, entry_flags(flags), NULL, &change);
    change_flush(table, &change);
}

bool page_table_kernel_take(virtual_address_t address, physical_address_t* physical) {
    uint64_t* path[TOP_LEVEL + 1];
    if (walk(&kernel_table, address, path) > 0)
        return false;
    uint64_t* entry = &path[0][entry_index(address, 0)];
    if (!(*entry & ENTRY_PRESENT))
        return false;
    *physical = physical_address(*entry & ENTRY_ADDRESS_MASK);
    *entry = 0;
    --*table_page_count(path[0]);
    return true;
}

void page_table_kernel_flush(void) {
    flush_everywhere(&kernel_table, KERNEL_STACKS_BASE, KERNEL_STACKS_SIZE);
}

bool page_table_query(const struct page_table* table, virtual_address_t address,
                      physical_address_t* physical, uint32_t* flags) {
    uint64_t* path[TOP_LEVEL + 1];
    unsigned level = walk(table, address, path);
    uint64_t entry = path[level][entry_index(address, level)];
    if (!(entry & ENTRY_PRESENT))
        return false;
    uint64_t offset_mask = (1ul << level_shift(level)) - 1;
    *physical =
        physical_address((entry & ENTRY_ADDRESS_MASK & ~offset_mask) | (address & offset_mask));
    *flags = PAGING_READ | (entry & ENTRY_WRITABLE ? PAGING_WRITE : 0) |
             (entry & ENTRY_NO_EXECUTE ? 0 : PAGING_EXECUTE) |
             (entry & ENTRY_USER ? PAGING_USER : 0) |
             (entry & ENTRY_UNCACHED ? PAGING_UNCACHED : 0);
    return true;
}

void page_table_switch(struct page_table* from, struct page_table* to) {
    uint32_t here = 1u << cpu_number();
    if (to)
        atomic_fetch_or(&to->active_cpus, here); /* before the load: see flush_everywhere */
    cr3_write((to ? to : &kernel_table)->root.value);
    if (from)
        atomic_fetch_and(&from->active_cpus, ~here);
}
