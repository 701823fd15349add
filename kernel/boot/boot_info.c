#include <boot/boot_info.h>

#include <arch/layout.h>
#include <lib/compiler.h>

static void remove_range(struct boot_info* info, size_t index) {
    for (size_t i = index + 1; i < info->ram_count; i++)
        info->ram[i - 1] = info->ram[i];
    info->ram_count--;
}

/* Keeps the array sorted. When the array is full, the range is dropped, and its memory stays
 * unused. */
static void insert_range(struct boot_info* info, struct physical_range range) {
    if (info->ram_count == BOOT_RANGE_MAX || range.start >= range.end)
        return;
    size_t index = info->ram_count++;
    for (; index > 0 && info->ram[index - 1].start > range.start; index--)
        info->ram[index] = info->ram[index - 1];
    info->ram[index] = range;
}

void boot_info_add_ram(struct boot_info* info, uint64_t start, uint64_t size) {
    struct physical_range range = {ALIGN_UP(start, PAGE_SIZE), ALIGN_DOWN(start + size, PAGE_SIZE)};
    bool wraps = start + size < start || range.start < start;
    if (wraps || range.start >= range.end)
        return;
    /* Merges the ranges that overlap or touch the new one. */
    for (size_t i = 0; i < info->ram_count;) {
        const struct physical_range* other = &info->ram[i];
        if (other->start > range.end || other->end < range.start) {
            i++;
            continue;
        }
        range.start = MIN(range.start, other->start);
        range.end = MAX(range.end, other->end);
        remove_range(info, i);
    }
    insert_range(info, range);
}

void boot_info_reserve(struct boot_info* info, struct physical_range range) {
    range.start = ALIGN_DOWN(range.start, PAGE_SIZE);
    range.end = ALIGN_UP(range.end, PAGE_SIZE);
    for (size_t i = 0; i < info->ram_count;) {
        struct physical_range old = info->ram[i];
        if (old.start >= range.end || old.end <= range.start) {
            i++;
            continue;
        }
        remove_range(info, i);
        insert_range(info, (struct physical_range){old.start, MIN(old.end, range.start)});
        insert_range(info, (struct physical_range){MAX(old.start, range.end), old.end});
        i = 0; /* the array has changed; the rest of `old` no longer overlaps */
    }
}
