/* What the files of paging share: the format of the entries, and how to find them. */
#pragma once

#include <stdint.h>

#include <arch/layout.h>
#include <arch/paging.h>

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
#define TOP_LEVEL 3u            /* the root's level; level 0: the tables of 4 KiB pages */
#define KERNEL_FIRST_ENTRY 256u /* of the root: the shared upper half */

static inline uint64_t* table_at(uint64_t entry) {
    return physical_to_virtual(physical_address(entry & ENTRY_ADDRESS_MASK));
}

static inline unsigned level_shift(unsigned level) {
    return PAGE_SHIFT + 9 * level;
}

static inline unsigned entry_index(virtual_address_t address, unsigned level) {
    return (address >> level_shift(level)) % ENTRIES_PER_TABLE;
}

/* The entry bits for PAGING_* flags. */
uint64_t entry_flags(uint32_t flags);
/* Fills an empty entry and counts it in its table's count. */
void entry_set(uint64_t* table, unsigned index, uint64_t value);
