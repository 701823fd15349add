/* What the loader passed to the kernel, in one form for Multiboot2 and PVH. It is filled before any
 * allocator exists. Pointers are into the direct map of the first 4 GiB. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/paging.h>
#include <pc/screen.h>

#define BOOT_RANGE_MAX 128
#define BOOT_COMMAND_LINE_SIZE 1024

struct boot_info {
    const char* loader; /* "multiboot2" or "pvh" */
    char command_line[BOOT_COMMAND_LINE_SIZE];
    struct physical_range ram[BOOT_RANGE_MAX]; /* usable, sorted, apart, page aligned inwards */
    size_t ram_count;
    struct physical_range bootfs; /* exact bytes, not page aligned; start == end: no module */
    const void* rsdp;             /* the RSDP or a copy of it; NULL: must be searched for */
    struct screen_description screen;
};

/* loader.c: reads what the loader left in memory. Calls boot_fail (one clear line) if that cannot
 * be used: unknown magic, no memory map. */
void loader_read(uint32_t magic, uint64_t address, struct boot_info* info);

/* Used by loader.c; in multiboot2.c and pvh.c. Both only parse. They return NULL, or a text that
 * says what is wrong. Multiboot2: `information` is the loader's block; its first word is its size.
 * PVH (qemu -kernel): `at` converts a physical address below 4 GiB to a pointer. */
#define MULTIBOOT2_LOADER_MAGIC 0x36d76289u
#define PVH_LOADER_MAGIC 0x336ec578u
const char* multiboot2_read(const void* information, struct boot_info* info);
const char* pvh_read(const void* information, const void* (*at)(uint64_t physical),
                     struct boot_info* info);

/* An entry of the memory map: the same in both loaders' information. */
#define MEMORY_MAP_RAM 1u
struct memory_map_entry {
    uint64_t address, size;
    uint32_t type, reserved;
};

/* For multiboot2.c and pvh.c: adds a range of usable memory, cut to whole pages. The order of the
 * calls does not matter. */
void boot_info_add_ram(struct boot_info* info, uint64_t start, uint64_t size);
/* Removes a range that is in use from `ram`, rounded outwards to whole pages. */
void boot_info_reserve(struct boot_info* info, struct physical_range range);

/* The command line has words "jacinth.name=value". Returns the value (not NUL-terminated) or NULL.
 */
const char* boot_option(const struct boot_info* info, const char* name, size_t* length);
bool boot_option_is(const struct boot_info* info, const char* name, const char* value);
uint64_t boot_option_number(const struct boot_info* info, const char* name, uint64_t fallback);
