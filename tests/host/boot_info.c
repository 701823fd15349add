/* What the loaders say: Multiboot2 and PVH information, and the ranges of memory they name.
 * Sources: kernel/boot/boot_info.c kernel/boot/multiboot2.c kernel/boot/pvh.c kernel/lib/string.c
 */
#include <boot/boot_info.h>
#include <stdlib.h>
#include <string.h>

#include <arch/layout.h>

#include "../kernel/random.h"
#include "../kernel/selftest.h"
#include "mutate.h"

#define ROUNDS 60000u
#define PAGES 256u

static struct boot_info info;

/* Sorted, apart, whole pages, none empty. */
static bool are_ranges_sound(void) {
    for (size_t i = 0; i < info.ram_count; i++) {
        const struct physical_range* range = &info.ram[i];
        if (range->start >= range->end || !IS_ALIGNED(range->start, PAGE_SIZE) ||
            !IS_ALIGNED(range->end, PAGE_SIZE) || (i > 0 && range->start <= info.ram[i - 1].end))
            return false;
    }
    return info.ram_count <= BOOT_RANGE_MAX;
}

/* --- ranges ----------------------------------------------------------------------------------- */

static bool is_in_ranges(uint64_t address) {
    for (size_t i = 0; i < info.ram_count; i++)
        if (address >= info.ram[i].start && address < info.ram[i].end)
            return true;
    return false;
}

/* Against one bit for each byte's page: a page counts when all of it was added at once or by
 * neighbours that were whole pages. Additions come before reservations, as they do at boot. */
SELFTEST(boot_ranges, they_are_those_of_a_map_of_pages) {
    uint32_t random = 17;
    for (unsigned round = 0; round < 3000; round++) {
        bool is_usable[PAGES] = {false};
        memset(&info, 0, sizeof(info));
        for (unsigned i = random_next(&random) % 20; i > 0; i--) {
            uint64_t start = random_next(&random) % ((PAGES - 64) * PAGE_SIZE);
            uint64_t size = random_next(&random) % (60 * PAGE_SIZE);
            boot_info_add_ram(&info, start, size);
            for (uint64_t page = ALIGN_UP(start, PAGE_SIZE); page + PAGE_SIZE <= start + size;
                 page += PAGE_SIZE)
                is_usable[page / PAGE_SIZE] = true;
            EXPECT(are_ranges_sound());
        }
        for (unsigned i = random_next(&random) % 10; i > 0; i--) {
            uint64_t start = random_next(&random) % (PAGES - 16), count = random_next(&random) % 16;
            boot_info_reserve(
                &info, (struct physical_range){start * PAGE_SIZE, (start + count) * PAGE_SIZE});
            for (uint64_t page = start; page < start + count; page++)
                is_usable[page] = false;
        }
        for (unsigned page = 0; page < PAGES; page++)
            EXPECT_EQUAL(is_in_ranges(page * PAGE_SIZE), is_usable[page]);
    }
}

SELFTEST(boot_ranges, what_wraps_round_is_no_memory) {
    static const uint64_t bad[][2] = {
        {UINT64_MAX, 1},        {UINT64_MAX - 10, 5},      {UINT64_MAX - 10, 11},
        {UINT64_MAX - 4096, 1}, {1ul << 63, UINT64_MAX},   {0, 0},
        {0x1001, 0xffe},        {UINT64_MAX - 8191, 8191}, {UINT64_MAX - 4095, 4095},
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++) {
        memset(&info, 0, sizeof(info));
        boot_info_add_ram(&info, bad[i][0], bad[i][1]);
        EXPECT(are_ranges_sound());
        EXPECT(!is_in_ranges(0));
        EXPECT(!is_in_ranges(0x1000));
    }
}

SELFTEST(boot_ranges, more_than_there_is_room_for_is_left_out) {
    memset(&info, 0, sizeof(info));
    for (uint64_t i = 0; i < 2 * BOOT_RANGE_MAX; i++)
        boot_info_add_ram(&info, i * 2 * PAGE_SIZE, PAGE_SIZE);
    EXPECT_EQUAL(info.ram_count, BOOT_RANGE_MAX);
    EXPECT(are_ranges_sound());
    for (uint64_t i = 0; i < BOOT_RANGE_MAX; i++)
        boot_info_reserve(&info,
                          (struct physical_range){i * 3 * PAGE_SIZE, (i * 3 + 1) * PAGE_SIZE});
    EXPECT(are_ranges_sound());
}

/* --- Multiboot2 ------------------------------------------------------------------------------- */

static uint8_t block[2048];
static uint32_t block_size;

static void add_tag(uint32_t type, const void* content, uint32_t size) {
    uint32_t head[2] = {type, size + 8};
    memcpy(block + block_size, head, 8);
    memcpy(block + block_size + 8, content, size);
    block_size += (size + 8 + 7) & ~7u;
}

static void make_block(void) {
    static const struct {
        uint32_t entry_size, version;
        struct {
            uint64_t base, length;
            uint32_t type, reserved;
        } entries[4];
    } map = {24,
             0,
             {{0, 0x9fc00, 1, 0},
              {0x9fc00, 0x400, 2, 0},
              {0x100000, 0x700000, 1, 0},
              {0x100000000, 0x40000000, 1, 0}}};
    static const struct {
        uint64_t address;
        uint32_t pitch, width, height;
        uint8_t bits, type, reserved[2], colours[6];
    } screen = {0xfd000000, 3200, 800, 600, 32, 1, {0}, {16, 8, 8, 8, 0, 8}};
    static const uint32_t module[] = {0x2000000, 0x2345678, 0};
    memset(block, 0, sizeof(block));
    block_size = 8;
    add_tag(1, "jacinth.log=debug", 18);
    add_tag(3, module, sizeof(module));
    add_tag(6, &map, sizeof(map));
    add_tag(8, &screen, 30);
    add_tag(14, "RSD PTR .............", 20);
    add_tag(0, "", 0);
    memcpy(block, &block_size, 4);
}

SELFTEST(multiboot2, everything_needed_is_read) {
    make_block();
    memset(&info, 0, sizeof(info));
    EXPECT(!multiboot2_read(block, &info));
    EXPECT(strcmp(info.loader, "multiboot2") == 0);
    EXPECT(strcmp(info.command_line, "jacinth.log=debug") == 0);
    EXPECT_EQUAL(info.bootfs.start, 0x2000000);
    EXPECT_EQUAL(info.bootfs.end, 0x2345678);
    EXPECT_EQUAL(info.ram_count, 3);
    EXPECT_EQUAL(info.ram[0].end, 0x9f000);
    EXPECT_EQUAL(info.ram[2].start, 0x100000000);
    EXPECT_EQUAL(info.screen.address, 0xfd000000);
    EXPECT_EQUAL(info.screen.height, 600);
    EXPECT_EQUAL(info.screen.red_shift, 16);
    EXPECT_EQUAL(info.screen.green_shift, 8);
    EXPECT(memcmp(info.rsdp, "RSD PTR ", 8) == 0);
}

/* The block's own size is believed; nothing beyond it is read. */
SELFTEST(multiboot2, a_damaged_block_is_never_read_beyond) {
    uint32_t random = 5;
    unsigned refused = 0;
    make_block();
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t size;
        uint8_t* data = mutate(block, block_size, &random, &size);
        uint32_t total = (uint32_t)size;
        if (size >= 8) {
            memcpy(data, &total, 4);
            memset(&info, 0, sizeof(info));
            refused += multiboot2_read(data, &info) != NULL;
            if (!are_ranges_sound())
                selftest_fail(__FILE__, __LINE__, "ranges in round %u", i);
            if (strnlen(info.command_line, BOOT_COMMAND_LINE_SIZE) == BOOT_COMMAND_LINE_SIZE)
                selftest_fail(__FILE__, __LINE__, "command line in round %u", i);
        }
        free(data);
        EXPECT(!selftest_has_failed());
    }
    EXPECT(refused > ROUNDS / 20 && refused < ROUNDS);
}

SELFTEST(multiboot2, a_command_line_that_is_too_long_is_cut) {
    char text[BOOT_COMMAND_LINE_SIZE + 100];
    memset(text, 'x', sizeof(text));
    memset(block, 0, sizeof(block));
    block_size = 8;
    add_tag(1, text, sizeof(text)); /* and without a zero at its end */
    add_tag(0, "", 0);
    memcpy(block, &block_size, 4);
    uint8_t* data = truncate_to(block, block_size);
    memset(&info, 0, sizeof(info));
    EXPECT(!multiboot2_read(data, &info));
    EXPECT_EQUAL(strlen(info.command_line), BOOT_COMMAND_LINE_SIZE - 1);
    free(data);
}

/* --- PVH -------------------------------------------------------------------------------------- */

/* Physical addresses are offsets here. */
static struct {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp, memory_map;
    uint32_t memory_map_entries, reserved;
    uint64_t module[4];
    struct {
        uint64_t address, size;
        uint32_t type, reserved;
    } map[3];
    char text[32];
} start;

static const void* at_offset(uint64_t physical) {
    return (const char*)&start + physical;
}

static void make_start(void) {
    memset(&start, 0, sizeof(start));
    start.magic = PVH_LOADER_MAGIC;
    start.version = 1;
    start.module_count = 1;
    start.modules = offsetof(__typeof__(start), module);
    start.command_line = offsetof(__typeof__(start), text);
    start.rsdp = 8;
    start.memory_map = offsetof(__typeof__(start), map);
    start.memory_map_entries = 3;
    start.module[0] = 0x5000;
    start.module[1] = 0x123;
    start.map[0].size = 0x9fc00;
    start.map[0].type = 1;
    start.map[1].address = 0xf0000;
    start.map[1].size = 0x10000;
    start.map[1].type = 2;
    start.map[2].address = 0x100000;
    start.map[2].size = 0x100000;
    start.map[2].type = 1;
    strcpy(start.text, "jacinth.test=1");
}

SELFTEST(pvh, everything_needed_is_read) {
    make_start();
    memset(&info, 0, sizeof(info));
    EXPECT(!pvh_read(&start, at_offset, &info));
    EXPECT(strcmp(info.loader, "pvh") == 0);
    EXPECT(strcmp(info.command_line, "jacinth.test=1") == 0);
    EXPECT_EQUAL(info.bootfs.start, 0x5000);
    EXPECT_EQUAL(info.bootfs.end, 0x5123);
    EXPECT(info.rsdp == at_offset(8));
    EXPECT_EQUAL(info.ram_count, 2);
    EXPECT_EQUAL(info.ram[1].end, 0x200000);
}

SELFTEST(pvh, what_is_not_there_is_left_out) {
    make_start();
    start.module_count = 0;
    start.command_line = start.rsdp = 0;
    start.version = 0; /* which has no memory map */
    memset(&info, 0, sizeof(info));
    EXPECT(!pvh_read(&start, at_offset, &info));
    EXPECT_EQUAL(info.bootfs.end, 0);
    EXPECT_EQUAL(info.command_line[0], 0);
    EXPECT(!info.rsdp);
    EXPECT_EQUAL(info.ram_count, 0);
    start.magic++;
    EXPECT(pvh_read(&start, at_offset, &info));
}
