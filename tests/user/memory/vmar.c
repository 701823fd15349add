/* VMARs and mappings. */
#include <helper.h>
#include <objects.h>
#include <reach.h>
#include <test.h>

#include <stdlib.h>
#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES
#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define ANY_CHILD \
    (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)

static zx_handle_t root(void) {
    return zx_vmar_root_self();
}

/* --- mapping ------------------------------------------------------------------------------ */

TEST(zx_vmar_map, memory_and_vmo_are_the_same) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    char byte;
    EXPECT_OK(zx_vmo_create(2 * PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_map(root(), READ_WRITE, 0, vmo, 0, 2 * PAGE, &address));
    char* memory = (char*)address;
    EXPECT_EQUAL(address % PAGE, 0);
    EXPECT_EQUAL(memory[PAGE], 0);
    memory[PAGE] = 'm';
    EXPECT_OK(zx_vmo_read(vmo, &byte, PAGE, 1));
    EXPECT_EQUAL(byte, 'm');
    EXPECT_OK(zx_vmo_write(vmo, "v", 0, 1));
    EXPECT_EQUAL(memory[0], 'v');
    EXPECT_OK(zx_handle_close(vmo));
    EXPECT_EQUAL(memory[PAGE], 'm'); /* the mapping keeps the memory */
    EXPECT_OK(zx_vmar_unmap(root(), address, 2 * PAGE));
    EXPECT(!is_readable(address));
}

TEST(zx_vmar_map, a_part_of_a_vmo_twice) {
    zx_handle_t vmo;
    zx_vaddr_t first, second;
    EXPECT_OK(zx_vmo_create(4 * PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_map(root(), READ_WRITE, 0, vmo, 0, 4 * PAGE, &first));
    EXPECT_OK(zx_vmar_map(root(), ZX_VM_PERM_READ, 0, vmo, 2 * PAGE, PAGE, &second));
    EXPECT(first != second);
    ((char*)first)[2 * PAGE + 7] = 's';
    EXPECT_EQUAL(((char*)second)[7], 's');
    EXPECT(is_readable(second));
    EXPECT(!is_writable(second));
    EXPECT_OK(zx_vmar_unmap(root(), first, 4 * PAGE));
    EXPECT_EQUAL(((char*)second)[7], 's');
    EXPECT_OK(zx_vmar_unmap(root(), second, PAGE));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmar_map, the_whole_range_at_once) {
    enum { PAGES = 1024, FREED_BY_OTHERS = 200 };
    zx_handle_t vmo;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmo_create(PAGES * PAGE, 0, &vmo));
    uint64_t before = kernel_memory().free_pages;
    EXPECT_OK(zx_vmar_map(root(), READ_WRITE | ZX_VM_MAP_RANGE, 0, vmo, 0, PAGES * PAGE, &address));
    EXPECT_AT_MOST(kernel_memory().free_pages + PAGES, before + FREED_BY_OTHERS);
    for (int i = 0; i < PAGES; i++)
        EXPECT_EQUAL(((char*)address)[i * PAGE], 0);
    EXPECT_OK(zx_vmar_unmap(root(), address, PAGES * PAGE));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmar_map, rights_of_the_vmo_bound_the_mapping) {
    zx_handle_t vmo;
    zx_vaddr_t address = 5;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    zx_handle_t read_only = duplicate_without(vmo, ZX_RIGHT_WRITE);
    zx_handle_t no_map = duplicate_without(vmo, ZX_RIGHT_MAP);
    EXPECT_STATUS(zx_vmar_map(root(), READ_WRITE, 0, read_only, 0, PAGE, &address),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_vmar_map(root(), ZX_VM_PERM_READ, 0, no_map, 0, PAGE, &address),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(address, 5);
    EXPECT_OK(zx_vmar_map(root(), ZX_VM_PERM_READ, 0, read_only, 0, PAGE, &address));
    /* It cannot be made writable afterwards, either. */
    EXPECT_STATUS(zx_vmar_protect(root(), READ_WRITE, address, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT(!is_writable(address));
    EXPECT_OK(zx_vmar_unmap(root(), address, PAGE));
    const zx_handle_t handles[] = {vmo, read_only, no_map};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

/* --- parts of mappings ------------------------------------------------------------------------ */

TEST(zx_vmar_unmap, of_the_middle_leaves_both_ends) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmo_create(5 * PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_map(root(), READ_WRITE, 0, vmo, 0, 5 * PAGE, &address));
    memset((void*)address, 'a', 5 * PAGE);
    EXPECT_OK(zx_vmar_unmap(root(), address + 2 * PAGE, PAGE));
    EXPECT_EQUAL(((char*)address)[PAGE], 'a');
    EXPECT(!is_readable(address + 2 * PAGE));
    EXPECT_EQUAL(((char*)address)[3 * PAGE], 'a');
    EXPECT_OK(zx_vmar_unmap(root(), address, 2 * PAGE));
    EXPECT_OK(zx_vmar_unmap(root(), address + 3 * PAGE, 2 * PAGE));
    EXPECT_OK(zx_handle_close(vmo));
}

/* One page less than the mapping, one more, and one beside it: only what is in the range goes. */
TEST(zx_vmar_unmap, of_nearly_a_mapping_takes_what_is_in_the_range) {
    zx_handle_t child, vmo;
    zx_vaddr_t base, address;
    EXPECT_OK(zx_vmo_create(4 * PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_allocate(root(), ANY_CHILD, 0, 8 * PAGE, &child, &base));
    for (size_t first = 1; first <= 3; first++) {
        for (size_t end = 5; end <= 7; end++) {
            EXPECT_OK(zx_vmar_map(child, READ_WRITE | ZX_VM_SPECIFIC, 2 * PAGE, vmo, 0, 4 * PAGE,
                                  &address));
            EXPECT_OK(zx_vmar_unmap(child, base + first * PAGE, (end - first) * PAGE));
            for (size_t page = 0; page < 8; page++) {
                bool is_inside = page >= 2 && page < 6, is_unmapped = page >= first && page < end;
                EXPECT_EQUAL(is_readable(base + page * PAGE), is_inside && !is_unmapped);
            }
            EXPECT_OK(zx_vmar_unmap(child, base, 8 * PAGE));
        }
    }
    EXPECT_OK(zx_vmar_destroy(child));
    EXPECT_STATUS(zx_vmar_unmap(child, base + 2 * PAGE, 4 * PAGE), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_handle_close(child));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmar_protect, a_part_of_a_mapping) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmo_create(3 * PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_map(root(), READ_WRITE, 0, vmo, 0, 3 * PAGE, &address));
    memset((void*)address, 'a', 3 * PAGE);
    EXPECT_OK(zx_vmar_protect(root(), ZX_VM_PERM_READ, address + PAGE, PAGE));
    EXPECT(is_writable(address));
    EXPECT(is_readable(address + PAGE));
    EXPECT(!is_writable(address + PAGE));
    EXPECT(is_writable(address + 2 * PAGE));
    EXPECT_OK(zx_vmar_protect(root(), 0, address + PAGE, PAGE));
    EXPECT(!is_readable(address + PAGE));
    EXPECT_OK(zx_vmar_protect(root(), READ_WRITE, address, 3 * PAGE));
    EXPECT_EQUAL(((char*)address)[PAGE], 'a');
    ((char*)address)[PAGE] = 'b';
    EXPECT_OK(zx_vmar_unmap(root(), address, 3 * PAGE));
    EXPECT_OK(zx_handle_close(vmo));
}

/* Two mappings side by side, the second in a child: one call for parts of both. */
TEST(zx_vmar_protect, reaches_mappings_of_children) {
    zx_handle_t outer, inner, vmo;
    zx_vaddr_t base, inner_base, address;
    EXPECT_OK(zx_vmo_create(4 * PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_allocate(root(), ANY_CHILD, 0, 16 * PAGE, &outer, &base));
    EXPECT_OK(zx_vmar_allocate(outer, ANY_CHILD | ZX_VM_SPECIFIC, 4 * PAGE, 8 * PAGE, &inner,
                               &inner_base));
    EXPECT_OK(zx_vmar_map(outer, READ_WRITE | ZX_VM_SPECIFIC, 0, vmo, 0, 4 * PAGE, &address));
    EXPECT_OK(zx_vmar_map(inner, READ_WRITE | ZX_VM_SPECIFIC, 0, vmo, 0, 4 * PAGE, &address));
    memset((void*)base, 'a', 8 * PAGE);
    EXPECT_OK(zx_vmar_protect(root(), ZX_VM_PERM_READ, base + 3 * PAGE, 3 * PAGE));
    for (size_t page = 0; page < 8; page++) {
        EXPECT(is_readable(base + page * PAGE));
        EXPECT_EQUAL(is_writable(base + page * PAGE), page < 3 || page >= 6);
    }
    EXPECT_OK(zx_vmar_protect(root(), READ_WRITE, base, 8 * PAGE));
    ((char*)base)[5 * PAGE] = 'b';
    /* Where the child holds nothing, there is nothing to protect, and the rest stays. */
    EXPECT_STATUS(zx_vmar_protect(root(), ZX_VM_PERM_READ, base, 9 * PAGE), ZX_ERR_NOT_FOUND);
    EXPECT(is_writable(base));
    EXPECT(is_writable(base + 7 * PAGE));
    EXPECT_OK(zx_vmar_destroy(outer));
    const zx_handle_t handles[] = {outer, inner, vmo};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

/* What the child does not allow, its parent cannot give, to any page of the range. */
TEST(zx_vmar_protect, of_children_gives_no_more_than_they_may) {
    zx_handle_t outer, inner, vmo;
    zx_vaddr_t base, inner_base, address;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_allocate(root(), ANY_CHILD, 0, 2 * PAGE, &outer, &base));
    EXPECT_OK(zx_vmar_allocate(outer, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_SPECIFIC,
                               PAGE, PAGE, &inner, &inner_base));
    EXPECT_OK(zx_vmar_map(outer, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 0, vmo, 0, PAGE, &address));
    EXPECT_OK(zx_vmar_map(inner, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 0, vmo, 0, PAGE, &address));
    EXPECT_STATUS(zx_vmar_protect(root(), READ_WRITE, base, 2 * PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT(!is_writable(base));
    EXPECT(!is_writable(base + PAGE));
    EXPECT(is_readable(base + PAGE));
    EXPECT_OK(zx_vmar_destroy(outer));
    const zx_handle_t handles[] = {outer, inner, vmo};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

/* The C library does that for each program, once the pointers are right. */
TEST(zx_vmar_protect, tables_of_pointers_are_read_only) {
    static bool (*const table[])(zx_vaddr_t) = {is_readable, is_writable};
    bool (*const* entries)(zx_vaddr_t) = table;
    __asm__("" : "+r"(entries)); /* so that the table stays, and is used */
    EXPECT(entries[0]((zx_vaddr_t)entries));
    EXPECT(!entries[1]((zx_vaddr_t)entries));
    static int variable = 1;
    EXPECT(is_writable((zx_vaddr_t)&variable));
}

/* --- code ------------------------------------------------------------------------------------- */

TEST(zx_vmar_map, memory_is_never_writable_and_executable) {
    const uint32_t both = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE;
    zx_handle_t vmo;
    zx_vaddr_t address = 5;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_STATUS(zx_vmar_map(root(), both, 0, vmo, 0, PAGE, &address), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(address, 5);
    EXPECT_OK(zx_vmar_map(root(), READ_WRITE, 0, vmo, 0, PAGE, &address));
    EXPECT_STATUS(zx_vmar_protect(root(), both, address, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT(is_writable(address));
    EXPECT_OK(zx_vmar_unmap(root(), address, PAGE));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmar_map, code_can_be_written_and_then_run) {
    static const unsigned char code[] = {0x8d, 0x47, 0x01, 0xc3}; /* lea eax, [rdi + 1]; ret */
    zx_handle_t vmo;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_OK(zx_vmo_write(vmo, code, 0, sizeof(code)));
    EXPECT_OK(zx_vmar_map(root(), ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, vmo, 0, PAGE, &address));
    int (*function)(int) = (int (*)(int))address;
    EXPECT_EQUAL(function(41), 42);
    EXPECT_OK(zx_vmar_unmap(root(), address, PAGE));
    EXPECT_OK(zx_handle_close(vmo));
}

/* --- children --------------------------------------------------------------------------------- */

TEST(zx_vmar_allocate, mappings_go_to_the_place_asked_for) {
    zx_handle_t child, vmo;
    zx_vaddr_t base, address;
    EXPECT_OK(zx_vmar_allocate(root(), ANY_CHILD, 0, 16 * PAGE, &child, &base));
    EXPECT_OK(zx_vmo_create(2 * PAGE, 0, &vmo));
    EXPECT_OK(
        zx_vmar_map(child, READ_WRITE | ZX_VM_SPECIFIC, 4 * PAGE, vmo, 0, 2 * PAGE, &address));
    EXPECT_EQUAL(address, base + 4 * PAGE);
    *(char*)address = 'x';
    /* Occupied, or not all inside. */
    EXPECT_STATUS(
        zx_vmar_map(child, READ_WRITE | ZX_VM_SPECIFIC, 5 * PAGE, vmo, 0, 2 * PAGE, &address),
        ZX_ERR_NO_MEMORY);
    EXPECT_STATUS(
        zx_vmar_map(child, READ_WRITE | ZX_VM_SPECIFIC, 15 * PAGE, vmo, 0, 2 * PAGE, &address),
        ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(*(char*)(base + 4 * PAGE), 'x');
    EXPECT_OK(zx_vmar_destroy(child));
    EXPECT(!is_readable(base + 4 * PAGE));
    EXPECT_STATUS(zx_vmar_map(child, READ_WRITE, 0, vmo, 0, PAGE, &address), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_handle_close(child));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmar_map, overwriting_replaces_what_is_there) {
    zx_handle_t child, first, second;
    zx_vaddr_t base, address;
    EXPECT_OK(zx_vmar_allocate(root(), ANY_CHILD, 0, 4 * PAGE, &child, &base));
    EXPECT_OK(zx_vmo_create(4 * PAGE, 0, &first));
    EXPECT_OK(zx_vmo_create(PAGE, 0, &second));
    EXPECT_OK(zx_vmar_map(child, READ_WRITE | ZX_VM_SPECIFIC, 0, first, 0, 4 * PAGE, &address));
    memset((void*)base, '1', 4 * PAGE);
    EXPECT_OK(zx_vmo_write(second, "2", 0, 1));
    EXPECT_OK(
        zx_vmar_map(child, READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE, PAGE, second, 0, PAGE, &address));
    EXPECT_EQUAL(((char*)base)[0], '1');
    EXPECT_EQUAL(((char*)base)[PAGE], '2');
    EXPECT_EQUAL(((char*)base)[2 * PAGE], '1');
    EXPECT_OK(zx_vmar_destroy(child));
    const zx_handle_t handles[] = {child, first, second};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

TEST(zx_vmar_allocate, children_allow_no_more_than_they_may) {
    zx_handle_t child, vmo;
    zx_vaddr_t base, address = 5;
    EXPECT_OK(zx_vmar_allocate(root(), ZX_VM_CAN_MAP_READ, 0, 4 * PAGE, &child, &base));
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_STATUS(zx_vmar_map(child, READ_WRITE, 0, vmo, 0, PAGE, &address), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_vmar_map(child, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 0, vmo, 0, PAGE, &address),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(address, 5);
    EXPECT_OK(zx_vmar_map(child, ZX_VM_PERM_READ, 0, vmo, 0, PAGE, &address));
    EXPECT(address >= base && address < base + 4 * PAGE);
    EXPECT_OK(zx_vmar_destroy(child));
    EXPECT_OK(zx_handle_close(child));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmar_map, places_are_random) {
    zx_handle_t vmo;
    zx_vaddr_t places[8];
    size_t neighbours = 0;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    for (size_t i = 0; i < countof(places); i++) {
        EXPECT_OK(zx_vmar_map(root(), ZX_VM_PERM_READ, 0, vmo, 0, PAGE, &places[i]));
        if (i > 0 && (places[i] == places[i - 1] + PAGE || places[i] + PAGE == places[i - 1]))
            neighbours++;
    }
    EXPECT(neighbours < countof(places) - 1);
    for (size_t i = 0; i < countof(places); i++)
        EXPECT_OK(zx_vmar_unmap(root(), places[i], PAGE));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmar_map, leaks_nothing) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmo_create(16 * PAGE, 0, &vmo));
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 500; i++) {
        EXPECT_OK(zx_vmar_map(root(), READ_WRITE, 0, vmo, 0, 16 * PAGE, &address));
        *(char*)address = 'x';
        EXPECT_OK(zx_vmar_unmap(root(), address, 16 * PAGE));
    }
    /* One page of the VMO, and tables that may stay. */
    CHECK(expect_no_leak(&before, 64));
    EXPECT_OK(zx_handle_close(vmo));
}

/* --- shared between processes ----------------------------------------------------------------- */

/* Gets a VMO, maps it, returns what it sees there, and leaves its own mark. */
HELPER(maps_what_it_gets) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    if (channel_receive(channel, NULL, 0, NULL, &vmo, 1, NULL) != ZX_OK ||
        zx_vmar_map(root(), READ_WRITE, 0, vmo, 0, PAGE, &address) != ZX_OK)
        return 1;
    char seen = *(volatile char*)address;
    *(volatile char*)address = 'h';
    return seen;
}

TEST(zx_vmar_map, two_processes_share_a_vmo) {
    struct helper helper;
    zx_handle_t vmo;
    zx_vaddr_t address;
    CHECK(helper_start(&helper, "maps_what_it_gets"));
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_map(root(), READ_WRITE, 0, vmo, 0, PAGE, &address));
    *(volatile char*)address = 'p';
    EXPECT_OK(zx_channel_write(helper.channel, 0, NULL, 0, &vmo, 1));
    CHECK(helper_finish(&helper, 'p'));
    EXPECT_EQUAL(*(volatile char*)address, 'h');
    EXPECT_OK(zx_vmar_unmap(root(), address, PAGE));
}
