/* What the VMAR calls return for requests that cannot be granted, and for mappings that reach past
 * the end of their VMO. */
#include <helper.h>
#include <objects.h>
#include <test.h>

#include <jacinth/bootstrap.h>
#include <zircon/process.h>

#include "place.h"

/* --- places ----------------------------------------------------------------------------------- */

TEST(zx_vmar_map, a_place_outside_is_invalid_args) {
    struct place place;
    static const struct {
        size_t page, pages;
    } outside[] = {{8, 1}, {7, 2}, {0, 9}, {9, 1}, {1ul << 40, 1}, {(1ul << 52) - 1, 1}};
    static const uint32_t kinds[] = {ZX_VM_SPECIFIC, ZX_VM_SPECIFIC_OVERWRITE,
                                     ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE};
    CHECK(place_create(&place));
    for (size_t i = 0; i < countof(outside); i++)
        for (size_t k = 0; k < countof(kinds); k++)
            EXPECT_STATUS(map_at(&place, READ | kinds[k], outside[i].page, outside[i].pages),
                          ZX_ERR_INVALID_ARGS);
    for (size_t page = 0; page < 8; page++)
        EXPECT(!is_readable(place.base + page * PAGE));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, more_than_the_vmar_is_invalid_args) {
    struct place place;
    CHECK(place_create(&place));
    EXPECT_STATUS(map_at(&place, READ, 0, 9), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map_at(&place, READ | ZX_VM_COMPACT, 0, 1ul << 30), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(map_at(&place, READ, 0, 8));
    EXPECT_STATUS(map_at(&place, READ, 0, 1), ZX_ERR_NO_MEMORY); /* full, not too small */
    CHECK(place_destroy(&place));
}

/* Overwriting is mapping in a place of the caller's choice: bounds and rights count. */
TEST(zx_vmar_map, overwriting_needs_a_place_inside_and_the_right) {
    struct place place;
    zx_handle_t narrow;
    zx_vaddr_t base, address;
    CHECK(place_create(&place));
    EXPECT_STATUS(map_at(&place, READ | ZX_VM_SPECIFIC_OVERWRITE, 7, 2), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map_at(&place, READ | ZX_VM_SPECIFIC_OVERWRITE, 8, 1), ZX_ERR_INVALID_ARGS);
    EXPECT(!is_readable(place.base + 7 * PAGE));
    EXPECT_OK(map_at(&place, READ | ZX_VM_SPECIFIC_OVERWRITE, 7, 1)); /* of nothing */
    EXPECT(is_readable(place.base + 7 * PAGE));
    EXPECT(!is_readable(place.base + 6 * PAGE));
    EXPECT_OK(zx_vmar_allocate(place.vmar, ZX_VM_CAN_MAP_READ, 0, PAGE, &narrow, &base));
    EXPECT_STATUS(
        zx_vmar_map(narrow, READ | ZX_VM_SPECIFIC_OVERWRITE, 0, place.vmo, 0, PAGE, &address),
        ZX_ERR_ACCESS_DENIED);
    EXPECT(!is_readable(base));
    EXPECT_OK(zx_handle_close(narrow));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, overwriting_gives_back_what_was_there) {
    struct place place;
    CHECK(place_create(&place));
    zx_info_kernel_memory_t before = {0};
    for (int i = 0; i < 40; i++) {
        zx_handle_t vmo;
        zx_vaddr_t address;
        if (i == 4)
            before = kernel_memory();
        EXPECT_OK(zx_vmo_create(4 * PAGE, 0, &vmo));
        EXPECT_OK(zx_vmar_map(place.vmar, READ | WRITE | ZX_VM_SPECIFIC_OVERWRITE, PAGE * (i % 2),
                              vmo, 0, 4 * PAGE, &address));
        memset((void*)address, i, 4 * PAGE);
        EXPECT_OK(zx_handle_close(vmo));
        /* Where the one before was, the new one is; beside it, what is left of that. */
        EXPECT_EQUAL(*(char*)(place.base + PAGE), i);
        if (i > 0)
            EXPECT_EQUAL(*(char*)(place.base + (i % 2 ? 0 : 4 * PAGE)), i - 1);
    }
    CHECK(expect_no_leak(&before, 8));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, an_occupied_place_is_no_memory_and_stays_as_it_is) {
    static const struct {
        size_t page, pages;
    } occupied[] = {{0, 3}, {1, 2}, {2, 1}, {2, 2}, {3, 1}, {3, 4}, {6, 1}, {5, 2}, {6, 2}, {0, 8}};
    struct place place;
    zx_handle_t inner, child = 5;
    zx_vaddr_t address = 6;
    CHECK(place_create(&place));
    EXPECT_OK(map_at(&place, READ | WRITE | ZX_VM_SPECIFIC, 2, 2));
    EXPECT_OK(zx_vmar_allocate(place.vmar, ANY_CHILD | ZX_VM_SPECIFIC, 6 * PAGE, PAGE, &inner,
                               &(zx_vaddr_t){0}));
    for (size_t i = 0; i < countof(occupied); i++) {
        EXPECT_STATUS(map_at(&place, READ | ZX_VM_SPECIFIC, occupied[i].page, occupied[i].pages),
                      ZX_ERR_NO_MEMORY);
        EXPECT_STATUS(zx_vmar_allocate(place.vmar, ANY_CHILD | ZX_VM_SPECIFIC,
                                       occupied[i].page * PAGE, occupied[i].pages * PAGE, &child,
                                       &address),
                      ZX_ERR_NO_MEMORY);
    }
    EXPECT_EQUAL(child, 5);
    EXPECT_EQUAL(address, 6);
    for (size_t page = 0; page < 8; page++)
        EXPECT_EQUAL(is_writable(place.base + page * PAGE), page == 2 || page == 3);
    EXPECT_OK(map_at(&place, READ | ZX_VM_SPECIFIC, 4, 2)); /* between the two is free */
    EXPECT_OK(zx_handle_close(inner));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, overwriting_and_bringing_in_at_once_is_invalid_args) {
    struct place place;
    CHECK(place_create(&place));
    EXPECT_OK(map_at(&place, READ | WRITE | ZX_VM_SPECIFIC, 0, 2));
    ((char*)place.base)[PAGE] = 'k';
    EXPECT_STATUS(map_at(&place, READ | ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_MAP_RANGE, 0, 2),
                  ZX_ERR_INVALID_ARGS);
    EXPECT(is_writable(place.base));
    EXPECT_EQUAL(((char*)place.base)[PAGE], 'k');
    EXPECT_OK(map_at(&place, READ | ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE, 2, 2));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_unmap, only_whole_children_are_overwritten) {
    struct place place;
    zx_handle_t child;
    zx_vaddr_t address;
    CHECK(place_create(&place));
    EXPECT_OK(zx_vmar_allocate(place.vmar, ANY_CHILD | ZX_VM_SPECIFIC, 2 * PAGE, 4 * PAGE, &child,
                               &address));
    EXPECT_OK(zx_vmar_map(child, READ | ZX_VM_SPECIFIC, 0, place.vmo, 0, 4 * PAGE, &address));
    EXPECT_STATUS(map_at(&place, READ | ZX_VM_SPECIFIC_OVERWRITE, 1, 2), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(map_at(&place, READ | ZX_VM_SPECIFIC_OVERWRITE, 3, 5), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_unmap(place.vmar, place.base + 5 * PAGE, 2 * PAGE), ZX_ERR_INVALID_ARGS);
    for (size_t page = 2; page < 6; page++)
        EXPECT(is_readable(place.base + page * PAGE));
    EXPECT(!is_readable(place.base + PAGE));
    EXPECT_OK(map_at(&place, READ | WRITE | ZX_VM_SPECIFIC_OVERWRITE, 1, 6));
    EXPECT(is_writable(place.base + 3 * PAGE));
    EXPECT_STATUS(zx_vmar_map(child, READ, 0, place.vmo, 0, PAGE, &address), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_handle_close(child));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_unmap, over_whole_children_takes_them_and_all_in_them) {
    struct place place;
    zx_handle_t child, inner;
    zx_vaddr_t address;
    CHECK(place_create(&place));
    EXPECT_OK(zx_vmar_allocate(place.vmar, ANY_CHILD | ZX_VM_SPECIFIC, 2 * PAGE, 4 * PAGE, &child,
                               &address));
    EXPECT_OK(
        zx_vmar_allocate(child, ANY_CHILD | ZX_VM_SPECIFIC, PAGE, 2 * PAGE, &inner, &address));
    EXPECT_OK(zx_vmar_map(child, READ | ZX_VM_SPECIFIC, 0, place.vmo, 0, PAGE, &address));
    EXPECT_OK(zx_vmar_map(inner, READ | ZX_VM_SPECIFIC, PAGE, place.vmo, 0, PAGE, &address));
    EXPECT_OK(map_at(&place, READ | ZX_VM_SPECIFIC, 0, 2));
    EXPECT_OK(map_at(&place, READ | ZX_VM_SPECIFIC, 6, 2));
    for (size_t page = 0; page < 8; page++)
        EXPECT_EQUAL(is_readable(place.base + page * PAGE), page != 3 && page != 5);
    EXPECT_OK(zx_vmar_unmap(place.vmar, place.base + PAGE, 6 * PAGE));
    for (size_t page = 0; page < 8; page++)
        EXPECT_EQUAL(is_readable(place.base + page * PAGE), page == 0 || page == 7);
    /* The handles stay, and lead to nothing. */
    const zx_handle_t dead[] = {child, inner};
    for (size_t i = 0; i < countof(dead); i++) {
        EXPECT_STATUS(zx_vmar_map(dead[i], READ, 0, place.vmo, 0, PAGE, &address),
                      ZX_ERR_BAD_STATE);
        EXPECT_STATUS(zx_vmar_destroy(dead[i]), ZX_ERR_BAD_STATE);
    }
    EXPECT_OK(map_at(&place, READ | ZX_VM_SPECIFIC, 1, 6)); /* all of it is free again */
    EXPECT_OK(zx_handle_close_many(dead, countof(dead)));
    CHECK(place_destroy(&place));
}

/* --- past the end of the VMO ------------------------------------------------------------------ */

TEST(zx_vmar_map, past_the_end_of_the_vmo_is_mapped_and_faults_there) {
    static const uint32_t kinds[] = {0, ZX_VM_MAP_RANGE};
    for (size_t i = 0; i < countof(kinds); i++) {
        zx_handle_t vmo;
        zx_vaddr_t address;
        uint64_t size;
        EXPECT_OK(zx_vmo_create(2 * PAGE, 0, &vmo));
        EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), READ | WRITE | kinds[i], 0, vmo, 0, 16 * PAGE,
                              &address));
        EXPECT(is_writable(address));
        EXPECT(is_writable(address + PAGE));
        for (size_t page = 2; page < 16; page++)
            EXPECT(!is_readable(address + page * PAGE));
        /* A copy that begins inside and ends past the end fails, too. */
        EXPECT_STATUS(zx_vmo_write(vmo, (void*)(address + PAGE), 0, 2 * PAGE), ZX_ERR_INVALID_ARGS);
        EXPECT_OK(zx_vmo_get_size(vmo, &size));
        EXPECT_EQUAL(size, 2 * PAGE);
        EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), READ, address, 16 * PAGE));
        EXPECT(is_readable(address));
        EXPECT(!is_readable(address + 2 * PAGE));
        EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), address, 16 * PAGE));
        EXPECT_OK(zx_handle_close(vmo));
    }
}

TEST(zx_vmar_map, an_offset_past_the_end_of_the_vmo_is_mapped_and_faults) {
    static const uint64_t offsets[] = {2 * PAGE, 3 * PAGE, 1ull << 40, 1ull << 63,
                                       UINT64_MAX - 2 * PAGE + 1};
    zx_handle_t vmo, empty;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmo_create(2 * PAGE, 0, &vmo));
    EXPECT_OK(zx_vmo_create(0, 0, &empty));
    for (size_t i = 0; i < countof(offsets); i++) {
        EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), READ | WRITE | ZX_VM_MAP_RANGE, 0, vmo,
                              offsets[i], PAGE, &address));
        EXPECT(!is_readable(address));
        EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), address, PAGE));
    }
    EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), READ | WRITE, 0, empty, 0, PAGE, &address));
    EXPECT(!is_readable(address));
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), address, PAGE));
    EXPECT_OK(zx_handle_close(vmo));
    EXPECT_OK(zx_handle_close(empty));
}

/* The VMO's offsets would begin again at 0. */
TEST(zx_vmar_map, offsets_that_wrap_around_are_invalid_args) {
    zx_handle_t vmo;
    zx_vaddr_t address = 5;
    EXPECT_OK(zx_vmo_create(2 * PAGE, 0, &vmo));
    EXPECT_STATUS(
        zx_vmar_map(zx_vmar_root_self(), READ, 0, vmo, UINT64_MAX - PAGE + 1, 2 * PAGE, &address),
        ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_map(zx_vmar_root_self(), READ, 0, vmo, UINT64_MAX - 4 * PAGE + 1,
                              1ul << 30, &address),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(address, 5);
    EXPECT_OK(zx_handle_close(vmo));
}

/* The archive is memory of a kind of its own: what lies behind it is not the program's. */
TEST(zx_vmar_map, nothing_behind_the_boot_archive_is_shown) {
    zx_handle_t archive = bootstrap_borrow(BOOTSTRAP_BOOTFS);
    zx_vaddr_t address;
    uint64_t size;
    EXPECT_OK(zx_vmo_get_size(archive, &size));
    EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), READ | ZX_VM_MAP_RANGE, 0, archive, size - PAGE,
                          4 * PAGE, &address));
    EXPECT(is_readable(address));
    for (size_t page = 1; page < 4; page++)
        EXPECT(!is_readable(address + page * PAGE));
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), address, 4 * PAGE));
}

/* Both sides write to shared pages while one of them is mapped past its end. */
TEST(zx_vmo_clone, of_what_is_mapped_past_its_end) {
    zx_handle_t vmo, clone;
    zx_vaddr_t address;
    char byte;
    EXPECT_OK(zx_vmo_create(2 * PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), READ | WRITE, 0, vmo, PAGE, 4 * PAGE, &address));
    *(volatile char*)address = 'p';
    EXPECT_OK(zx_vmo_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 0, 4 * PAGE, &clone));
    *(volatile char*)address = 'q';
    EXPECT_OK(zx_vmo_read(clone, &byte, PAGE, 1));
    EXPECT_EQUAL(byte, 'p');
    EXPECT_OK(zx_vmo_read(vmo, &byte, PAGE, 1));
    EXPECT_EQUAL(byte, 'q');
    EXPECT(!is_readable(address + PAGE));
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), address, 4 * PAGE));
    EXPECT_OK(zx_handle_close(vmo));
    EXPECT_OK(zx_handle_close(clone));
}

HELPER(touches_past_the_end) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    (void)channel;
    if (zx_vmo_create(PAGE, 0, &vmo) != ZX_OK ||
        zx_vmar_map(zx_vmar_root_self(), READ | WRITE, 0, vmo, 0, 2 * PAGE, &address) != ZX_OK)
        return 1;
    *(volatile char*)address = 1;
    *(volatile char*)(address + PAGE) = 1;
    return 2;
}

TEST(zx_vmar_map, an_access_past_the_end_ends_the_program) {
    struct helper helper;
    int64_t code;
    CHECK(helper_start(&helper, "touches_past_the_end"));
    EXPECT_OK(helper_wait(&helper, &code));
    EXPECT_EQUAL(code, -1024);
    helper_close(&helper);
}
