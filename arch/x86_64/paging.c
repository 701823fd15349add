/* Page tables: four levels of 512 entries. A table page's struct page counts its present entries in
 * `references`, so that it can be freed when the last one goes. */
#include <arch/paging.h>

#include <abi/errors.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/layout.h>
#include <debug/panic.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lib/string.h>
#include <lock/preempt.h>
#include <mm/page.h>

#include "cpu_internal.h"
#include "registers.h"

#define ENTRY_PRESENT (1ul << 0)
#define ENTRY_WRITABLE (1ul << 1)
#define ENTRY_USER (1ul << 2)
#define ENTRY_WRITE_THROUGH (1ul << 3)
#define ENTRY_UNCACHED (1ul << 4)
#define ENTRY_LARGE (1ul << 7)
#define ENTRY_GLOBAL (1ul << 8)
#define ENTRY_NO_EXECUTE (1ul << 63)
#define ENTRY_ADDRESS_MASK 0x000ffffffffff000ul

#define ENTRIES_PER_TABLE 512u
#define TOP_LEVEL 3u
#define KERNEL_FIRST_ENTRY 256u /* of the root: the shared upper half */
#define LARGE_PAGE_SIZE (2ul << 20)
#define HUGE_PAGE_SIZE (1ul << 30)
#define DEVICE_SPACE_END (4ul << 30)

/* More pages than this and the whole TLB goes instead. */
#define FLUSH_PAGES_MAX 32u

extern char text_start[], text_end[], rodata_start[], rodata_end[], data_start[], bss_end[];
extern char kernel_symbols[], kernel_symbols_end[], kernel_start[], kernel_end[];

static struct page_table kernel_table = {.active_cpus = UINT32_MAX};

physical_address_t kernel_image_to_physical(const void* pointer) {
    return physical_address((uint64_t)pointer - KERNEL_IMAGE_BASE);
}

struct page_table* page_table_kernel(void) {
    return &kernel_table;
}

/* --- walking ------------------------------------------------------------------------------- */

static uint64_t* table_at(uint64_t entry) {
    return physical_to_virtual(physical_address(entry & ENTRY_ADDRESS_MASK));
}

static struct page* table_page(const uint64_t* table) {
    return page_from_physical(virtual_to_physical(table));
}

static unsigned level_shift(unsigned level) {
    return PAGE_SHIFT + 9 * level;
}

static unsigned entry_index(virtual_address_t address, unsigned level) {
    return (address >> level_shift(level)) % ENTRIES_PER_TABLE;
}

static uint64_t entry_flags(uint32_t flags) {
    uint64_t entry = ENTRY_PRESENT;
    if (flags & PAGING_WRITE)
        entry |= ENTRY_WRITABLE;
    if (!(flags & PAGING_EXECUTE) && cpu_features.has_nx)
        entry |= ENTRY_NO_EXECUTE;
    if (flags & PAGING_USER)
        entry |= ENTRY_USER;
    else if (cpu_features.has_global_pages)
        entry |= ENTRY_GLOBAL;
    if (flags & PAGING_UNCACHED)
        entry |= ENTRY_UNCACHED | ENTRY_WRITE_THROUGH;
    return entry;
}

static void entry_set(uint64_t* table, unsigned index, uint64_t value) {
    table[index] = value;
    table_page(table)->references++;
}

/* Table pages that are no longer linked, kept until every TLB has forgotten them. */
static void tables_free(struct list* tables) {
    struct list_node* node;
    while ((node = list_pop_front(tables)))
        page_free(LIST_ENTRY(node, struct page, node));
}

/* Takes the entry out, and with it every table on the way up that became empty. `path[level]` is the table
 * of that level; the root and the shared tables right below its upper half stay. */
static void entry_clear(struct page_table* table, uint64_t* path[], virtual_address_t address,
                        struct list* freed) {
    bool is_kernel = address >= PHYSICAL_MAP_BASE;
    for (unsigned level = 0; level <= TOP_LEVEL; level++) {
        path[level][entry_index(address, level)] = 0;
        struct page* page = table_page(path[level]);
        if (--page->references > 0 || level + (is_kernel ? 1 : 0) >= TOP_LEVEL)
            return;
        list_push_back(freed, &page->node);
        table->table_pages--;
    }
}

/* Finds the tables for `address` down to level 0; false: some level is not there (`*missing` says which) or
 * is a large page. */
static bool walk(const struct page_table* table, virtual_address_t address, uint64_t* path[],
                 unsigned* missing) {
    path[TOP_LEVEL] = physical_to_virtual(table->root);
    for (unsigned level = TOP_LEVEL; level > 0; level--) {
        uint64_t entry = path[level][entry_index(address, level)];
        if (!(entry & ENTRY_PRESENT) || entry & ENTRY_LARGE) {
            *missing = level;
            return false;
        }
        path[level - 1] = table_at(entry);
    }
    return true;
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
    } else if (request->is_kernel) {
        /* Global entries survive a reload of CR3. */
        uint64_t cr4 = cr4_read();
        cr4_write(cr4 & ~CR4_PGE);
        cr4_write(cr4);
    } else {
        cr3_write(cr3_read());
    }
}

/* The fence orders the caller's entry writes before the look at who has the table loaded; a CPU that
 * loads it later sees the new entries. */
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
    struct page* page = page_alloc_zeroed();
    if (!page)
        return ZX_ERR_NO_MEMORY;
    page->references = 0;
    *table = (struct page_table){.root = page_to_physical(page), .table_pages = 1};
    uint64_t* root = page_to_virtual(page);
    const uint64_t* kernel_root = physical_to_virtual(kernel_table.root);
    memcpy(root + KERNEL_FIRST_ENTRY, kernel_root + KERNEL_FIRST_ENTRY,
           (ENTRIES_PER_TABLE - KERNEL_FIRST_ENTRY) * sizeof(*root));
    return ZX_OK;
}

void page_table_destroy(struct page_table* table) {
    struct page* root = page_from_physical(table->root);
    ASSERT(root->references == 0 && table->active_cpus == 0);
    page_free(root);
    table->table_pages = 0;
}

/* Makes the tables for `address` down to level 0. NO_MEMORY: those made so far are empty, and linked; the
 * caller takes them away with entry_clear's rule by mapping nothing. */
static zx_status_t walk_or_create(struct page_table* table, virtual_address_t address,
                                  uint64_t* path[]) {
    unsigned missing;
    struct list created = LIST_INITIALIZER(created);
    if (walk(table, address, path, &missing))
        return ZX_OK;
    for (unsigned i = 0; i < missing; i++) {
        struct page* page = page_alloc_zeroed();
        if (!page) {
            tables_free(&created);
            return ZX_ERR_NO_MEMORY;
        }
        page->references = 0;
        list_push_back(&created, &page->node);
    }
    for (unsigned level = missing; level > 0; level--) {
        struct page* page = LIST_ENTRY(list_pop_front(&created), struct page, node);
        uint64_t link = page_to_physical(page).value | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_USER;
        entry_set(path[level], entry_index(address, level), link);
        path[level - 1] = page_to_virtual(page);
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
    ASSERT(!(path[0][entry_index(address, 0)] & ENTRY_PRESENT));
    entry_set(path[0], entry_index(address, 0), physical.value | entry_flags(flags));
    return ZX_OK;
}

/* Where the next entry can be when the table of `missing_level` is not there. */
static virtual_address_t skip_hole(virtual_address_t address, unsigned missing_level) {
    size_t span = 1ul << level_shift(missing_level);
    return ALIGN_DOWN(address, span) + span;
}

void page_table_unmap(struct page_table* table, virtual_address_t address, size_t size) {
    struct list freed = LIST_INITIALIZER(freed);
    virtual_address_t end = address + size;
    bool is_changed = false;
    for (virtual_address_t at = address; at < end;) {
        uint64_t* path[TOP_LEVEL + 1];
        unsigned missing;
        if (!walk(table, at, path, &missing)) {
            at = skip_hole(at, missing);
            continue;
        }
        if (path[0][entry_index(at, 0)] & ENTRY_PRESENT) {
            entry_clear(table, path, at, &freed);
            is_changed = true;
        }
        at += PAGE_SIZE;
    }
    if (is_changed)
        flush_everywhere(table, address, size);
    tables_free(&freed);
}

void page_table_protect(struct page_table* table, virtual_address_t address, size_t size,
                        uint32_t flags) {
    virtual_address_t end = address + size;
    bool is_changed = false;
    for (virtual_address_t at = address; at < end;) {
        uint64_t* path[TOP_LEVEL + 1];
        unsigned missing;
        if (!walk(table, at, path, &missing)) {
            at = skip_hole(at, missing);
            continue;
        }
        uint64_t* entry = &path[0][entry_index(at, 0)];
        if (*entry & ENTRY_PRESENT) {
            *entry = (*entry & ENTRY_ADDRESS_MASK) | entry_flags(flags);
            is_changed = true;
        }
        at += PAGE_SIZE;
    }
    if (is_changed)
        flush_everywhere(table, address, size);
}

bool page_table_query(const struct page_table* table, virtual_address_t address,
                      physical_address_t* physical, uint32_t* flags) {
    uint64_t* path[TOP_LEVEL + 1];
    unsigned missing = 0;
    uint64_t entry;
    if (walk(table, address, path, &missing))
        entry = path[0][entry_index(address, 0)];
    else
        entry = path[missing][entry_index(address, missing)];
    if (!(entry & ENTRY_PRESENT))
        return false;
    uint64_t offset_mask = (1ul << level_shift(missing)) - 1;
    *physical = physical_address((entry & ENTRY_ADDRESS_MASK & ~offset_mask) |
                                 (address & offset_mask));
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

/* --- the kernel's own ------------------------------------------------------------------------ */

static uint64_t* kernel_table_below(uint64_t* table, unsigned index) {
    if (!(table[index] & ENTRY_PRESENT)) {
        struct page* page = page_alloc_zeroed();
        if (!page)
            boot_fail("not enough memory for the page tables");
        page->references = 0;
        entry_set(table, index, page_to_physical(page).value | ENTRY_PRESENT | ENTRY_WRITABLE);
        kernel_table.table_pages++;
    }
    return table_at(table[index]);
}

/* One page of the size that `level` stands for, while the tables are being built. */
static void kernel_map(virtual_address_t address, uint64_t physical, unsigned level,
                       uint32_t flags) {
    uint64_t* table = physical_to_virtual(kernel_table.root);
    for (unsigned at = TOP_LEVEL; at > level; at--)
        table = kernel_table_below(table, entry_index(address, at));
    unsigned index = entry_index(address, level);
    if (!(table[index] & ENTRY_PRESENT))
        entry_set(table, index,
                  physical | entry_flags(flags) | (level > 0 ? ENTRY_LARGE : 0));
}

static bool overlaps_image(uint64_t start, uint64_t size) {
    return start < kernel_image_to_physical(kernel_end).value &&
           kernel_image_to_physical(kernel_start).value < start + size;
}

/* What is read-only in the image is read-only through the direct map too. */
static uint32_t direct_map_flags(uint64_t physical) {
    uint64_t image = physical + KERNEL_IMAGE_BASE;
    bool is_constant = (image >= (uint64_t)text_start && image < (uint64_t)rodata_end) ||
                       (image >= (uint64_t)kernel_symbols && image < (uint64_t)kernel_symbols_end);
    return is_constant ? PAGING_READ : PAGING_READ | PAGING_WRITE;
}

/* [start, end) with the largest pages that fit; small ones where the image lies. */
static void direct_map(uint64_t start, uint64_t end) {
    while (start < end) {
        unsigned level = 0;
        if (cpu_features.has_1gib_pages && IS_ALIGNED(start, HUGE_PAGE_SIZE) &&
            end - start >= HUGE_PAGE_SIZE && !overlaps_image(start, HUGE_PAGE_SIZE))
            level = 2;
        else if (IS_ALIGNED(start, LARGE_PAGE_SIZE) && !overlaps_image(start, LARGE_PAGE_SIZE))
            level = 1;
        kernel_map(PHYSICAL_MAP_BASE + start, start, level, direct_map_flags(start));
        start += 1ul << level_shift(level);
    }
}

static void map_image_part(const char* start, const char* end, uint32_t flags) {
    for (; start < end; start += PAGE_SIZE)
        kernel_map((virtual_address_t)start, kernel_image_to_physical(start).value, 0, flags);
}

/* The first 4 GiB are mapped whole: firmware tables and the boot archive lie outside `ram`. Devices
 * among them are uncached by the MTRRs whatever the tables say, and are used through device_map. */
void paging_init(const struct physical_range* ram, size_t count) {
    struct page* root = page_alloc_zeroed();
    if (!root)
        boot_fail("not enough memory for the page tables");
    root->references = 0;
    kernel_table.root = page_to_physical(root);
    kernel_table.table_pages = 1;

    direct_map(0, DEVICE_SPACE_END);
    for (size_t i = 0; i < count; i++)
        direct_map(ALIGN_DOWN(MAX(ram[i].start, DEVICE_SPACE_END), LARGE_PAGE_SIZE),
                   ram[i].end > DEVICE_SPACE_END ? ram[i].end : 0);
    map_image_part(text_start, text_end, PAGING_READ | PAGING_EXECUTE);
    map_image_part(rodata_start, rodata_end, PAGING_READ);
    map_image_part(data_start, bss_end, PAGING_READ | PAGING_WRITE);
    map_image_part(kernel_symbols, kernel_symbols_end, PAGING_READ);
    /* Shared by all address spaces, so it has to be there before the first of them. */
    kernel_table_below(page_to_virtual(root), entry_index(KERNEL_HEAP_BASE, TOP_LEVEL));
    paging_init_cpu();
}

void paging_init_cpu(void) {
    uint64_t cr4 = cr4_read();
    if (cpu_features.has_global_pages)
        cr4 |= CR4_PGE;
    cr3_write(kernel_table.root.value);
    cr4_write(cr4);
}
