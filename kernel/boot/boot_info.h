/* What the loader told us, the same for Multiboot2 and PVH. Filled before there is any allocator;
 * pointers are into the direct map of the first 4 GiB. */
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
    struct physical_range
        ram[BOOT_RANGE_MAX]; /* usable, sorted, without overlaps, page aligned inwards */
    size_t ram_count;
    struct physical_range bootfs; /* exact bytes, not page aligned; start == end: no module */
    const void* rsdp;             /* the RSDP or a copy of it; NULL: search */
    struct screen_description screen;
};

/* For the two readers: a range of usable memory, in any order; cut to whole pages. */
void boot_info_add_ram(struct boot_info* info, uint64_t start, uint64_t size);
/* Takes a range that is in use out of `ram`. */
void boot_info_reserve(struct boot_info* info, struct physical_range range);

/* Command line: words "jacinth.name=value". Answers the value (not NUL-terminated) or NULL. */
const char* boot_option(const struct boot_info* info, const char* name, size_t* length);
bool boot_option_is(const struct boot_info* info, const char* name, const char* value);
uint64_t boot_option_number(const struct boot_info* info, const char* name, uint64_t fallback);
