/* The kernel's final tables: the direct map in large pages, the image page by page, each part with
 * its own permissions. */
#include <arch/paging.h>

#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/upcalls.h>
#include <lib/compiler.h>
#include <lib/panic.h>

#include "cpu_internal.h"
#include "paging_internal.h"
#include "registers.h"

#define LARGE_PAGE_SIZE (2ul << 20)
#define HUGE_PAGE_SIZE (1ul << 30)
#define DEVICE_SPACE_END (4ul << 30)

extern char text_start[], text_end[], rodata_start[], rodata_end[], data_start[], bss_end[];
extern char kernel_symbols[], kernel_symbols_end[], kernel_start[], kernel_end[];
extern char boot_stack_guard[];

static uint64_t* new_table(void) {
    uint64_t* table = table_page_alloc();
    if (!table)
        boot_fail("not enough memory for the page tables");
    page_table_kernel()->table_pages++;
    return table;
}

static uint64_t* table_below(uint64_t* table, unsigned index) {
    if (!(table[index] & ENTRY_PRESENT)) {
        uint64_t link = virtual_to_physical(new_table()).value | ENTRY_PRESENT | ENTRY_WRITABLE;
        entry_set(table, index, link);
    }
    return table_at(table[index]);
}

/* Maps one page of the size that `level` stands for, while the tables are being built. */
static void kernel_map(virtual_address_t address, uint64_t physical, unsigned level,
                       uint32_t flags) {
    uint64_t* table = physical_to_virtual(page_table_kernel()->root);
    for (unsigned at = TOP_LEVEL; at > level; at--)
        table = table_below(table, entry_index(address, at));
    unsigned index = entry_index(address, level);
    if (!(table[index] & ENTRY_PRESENT))
        entry_set(table, index, physical | entry_flags(flags) | (level > 0 ? ENTRY_LARGE : 0));
}

static bool overlaps_image(uint64_t start, uint64_t size) {
    return start < kernel_image_to_physical(kernel_end).value &&
           kernel_image_to_physical(kernel_start).value < start + size;
}

/* The read-only parts of the image are read-only through the direct map too. */
static uint32_t direct_map_flags(uint64_t physical) {
    uint64_t image = physical + KERNEL_IMAGE_BASE;
    bool is_constant = (image >= (uint64_t)text_start && image < (uint64_t)rodata_end) ||
                       (image >= (uint64_t)kernel_symbols && image < (uint64_t)kernel_symbols_end);
    return is_constant ? PAGING_READ : PAGING_READ | PAGING_WRITE;
}

/* Maps [start, end) with the largest pages that fit; with small pages where the image lies. */
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

/* The first 4 GiB are mapped whole, because firmware tables and the boot archive lie outside `ram`.
 * The MTRRs make devices there uncached, even if the tables do not. The kernel uses devices through
 * device_map. */
void paging_init(const struct physical_range* ram, size_t count) {
    uint64_t* root = new_table();
    page_table_kernel()->root = virtual_to_physical(root);

    direct_map(0, DEVICE_SPACE_END);
    for (size_t i = 0; i < count; i++)
        direct_map(ALIGN_DOWN(MAX(ram[i].start, DEVICE_SPACE_END), LARGE_PAGE_SIZE),
                   ram[i].end > DEVICE_SPACE_END ? ram[i].end : 0);
    map_image_part(text_start, text_end, PAGING_READ | PAGING_EXECUTE);
    map_image_part(rodata_start, rodata_end, PAGING_READ);
    map_image_part(data_start, boot_stack_guard, PAGING_READ | PAGING_WRITE);
    map_image_part(boot_stack_guard + PAGE_SIZE, bss_end, PAGING_READ | PAGING_WRITE);
    map_image_part(kernel_symbols, kernel_symbols_end, PAGING_READ);
    /* All address spaces share these tables, so they must exist before the first address space. */
    for (size_t offset = 0; offset < KERNEL_STACKS_SIZE; offset += 1ul << level_shift(TOP_LEVEL))
        table_below(root, entry_index(KERNEL_STACKS_BASE + offset, TOP_LEVEL));
    table_below(root, entry_index(KERNEL_HEAP_BASE, TOP_LEVEL));
    paging_init_cpu();
}

void paging_init_cpu(void) {
    cr3_write(page_table_kernel()->root.value);
    if (cpu_features.has_global_pages)
        cr4_write(cr4_read() | CR4_PGE);
}
