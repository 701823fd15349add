/* The errors of the calls on VMARs. Each case checks that nothing was mapped, unmapped or made. */
#include <objects.h>
#include <test.h>

#include <zircon/process.h>

#include "place.h"

#define UNTOUCHED 6

/* --- vmar_map --------------------------------------------------------------------------------- */

static void expect_no_map(zx_handle_t vmar, uint32_t options, zx_handle_t vmo, uint64_t offset,
                          size_t size, zx_status_t expected) {
    zx_vaddr_t address = UNTOUCHED;
    EXPECT_STATUS(zx_vmar_map(vmar, options, 0, vmo, offset, size, &address), expected);
    EXPECT_EQUAL(address, UNTOUCHED);
}

TEST(zx_vmar_map, unknown_options_are_invalid_args_before_the_handles) {
    static const uint32_t unknown[] = {1u << 31, ZX_VM_CAN_MAP_READ,
                                       ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_MAP_RANGE};
    struct place place;
    CHECK(place_create(&place));
    for (size_t i = 0; i < countof(unknown); i++) {
        uint32_t options = READ | unknown[i];
        CHECK(expect_no_map(place.vmar, options, place.vmo, 0, PAGE, ZX_ERR_INVALID_ARGS));
        CHECK(expect_no_map(stale_handle(), options, stale_handle(), 0, 0, ZX_ERR_INVALID_ARGS));
    }
    CHECK(place_expect_empty(&place));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, invalid_vmar_is_bad_handle) {
    struct place place;
    CHECK(place_create(&place));
    CHECK(expect_no_map(ZX_HANDLE_INVALID, READ, place.vmo, 0, PAGE, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_map(stale_handle(), READ, place.vmo, 0, PAGE, ZX_ERR_BAD_HANDLE));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, other_object_as_vmar_is_wrong_type) {
    struct place place;
    CHECK(place_create(&place));
    CHECK(expect_no_map(place.vmo, READ, place.vmo, 0, PAGE, ZX_ERR_WRONG_TYPE));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, invalid_vmo_is_bad_handle) {
    struct place place;
    CHECK(place_create(&place));
    CHECK(expect_no_map(place.vmar, READ, ZX_HANDLE_INVALID, 0, PAGE, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_map(place.vmar, READ, stale_handle(), 0, PAGE, ZX_ERR_BAD_HANDLE));
    CHECK(place_expect_empty(&place));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, other_object_as_vmo_is_wrong_type) {
    struct place place;
    CHECK(place_create(&place));
    CHECK(expect_no_map(place.vmar, READ, place.vmar, 0, PAGE, ZX_ERR_WRONG_TYPE));
    CHECK(place_expect_empty(&place));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, missing_map_right_of_the_vmo_is_access_denied) {
    struct place place;
    CHECK(place_create(&place));
    zx_handle_t no_map = duplicate_without(place.vmo, ZX_RIGHT_MAP);
    CHECK(expect_no_map(place.vmar, READ, no_map, 0, PAGE, ZX_ERR_ACCESS_DENIED));
    CHECK(place_expect_empty(&place));
    EXPECT_OK(zx_handle_close(no_map));
    CHECK(place_destroy(&place));
}

/* A permission needs the right of the same name, of both handles. */
static const struct {
    zx_rights_t right;
    uint32_t permissions;
} needs[] = {
    {ZX_RIGHT_READ, READ}, {ZX_RIGHT_WRITE, READ | WRITE}, {ZX_RIGHT_EXECUTE, READ | EXECUTE}};

TEST(zx_vmar_map, permissions_that_the_vmos_handle_lacks_are_access_denied) {
    struct place place;
    CHECK(place_create(&place));
    for (size_t i = 0; i < countof(needs); i++) {
        zx_handle_t poor = duplicate_without(place.vmo, needs[i].right);
        CHECK(expect_no_map(place.vmar, needs[i].permissions, poor, 0, PAGE, ZX_ERR_ACCESS_DENIED));
        EXPECT_OK(zx_handle_close(poor));
    }
    CHECK(place_expect_empty(&place));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, permissions_that_the_vmars_handle_lacks_are_access_denied) {
    struct place place;
    CHECK(place_create(&place));
    for (size_t i = 0; i < countof(needs); i++) {
        zx_handle_t poor = duplicate_without(place.vmar, needs[i].right);
        CHECK(expect_no_map(poor, needs[i].permissions, place.vmo, 0, PAGE, ZX_ERR_ACCESS_DENIED));
        EXPECT_OK(zx_handle_close(poor));
    }
    CHECK(place_expect_empty(&place));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, permissions_that_the_vmar_does_not_allow_are_access_denied) {
    struct place place;
    zx_handle_t narrow;
    zx_vaddr_t base;
    CHECK(place_create(&place));
    EXPECT_OK(zx_vmar_allocate(place.vmar, ZX_VM_CAN_MAP_READ, 0, 4 * PAGE, &narrow, &base));
    CHECK(expect_no_map(narrow, READ | WRITE, place.vmo, 0, PAGE, ZX_ERR_ACCESS_DENIED));
    CHECK(expect_no_map(narrow, READ | EXECUTE, place.vmo, 0, PAGE, ZX_ERR_ACCESS_DENIED));
    CHECK(expect_no_map(narrow, READ | ZX_VM_SPECIFIC, place.vmo, 0, PAGE, ZX_ERR_ACCESS_DENIED));
    CHECK(place_expect_empty(&place));
    EXPECT_OK(zx_handle_close(narrow));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, writing_or_executing_without_reading_is_invalid_args) {
    struct place place;
    CHECK(place_create(&place));
    CHECK(expect_no_map(place.vmar, WRITE, place.vmo, 0, PAGE, ZX_ERR_INVALID_ARGS));
    CHECK(expect_no_map(place.vmar, EXECUTE, place.vmo, 0, PAGE, ZX_ERR_INVALID_ARGS));
    CHECK(place_expect_empty(&place));
    CHECK(place_destroy(&place));
}

/* The permissions make no sense, either. */
TEST(zx_vmar_map, missing_rights_come_before_bad_permissions) {
    struct place place;
    CHECK(place_create(&place));
    zx_handle_t read_only = duplicate_without(place.vmo, ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE);
    zx_handle_t poor = duplicate_without(place.vmar, ZX_RIGHT_WRITE);
    CHECK(expect_no_map(place.vmar, WRITE, read_only, 0, PAGE, ZX_ERR_ACCESS_DENIED));
    CHECK(expect_no_map(place.vmar, EXECUTE, read_only, 0, PAGE, ZX_ERR_ACCESS_DENIED));
    CHECK(expect_no_map(poor, WRITE, place.vmo, 0, PAGE, ZX_ERR_ACCESS_DENIED));
    CHECK(expect_no_map(stale_handle(), WRITE, place.vmo, 0, PAGE, ZX_ERR_BAD_HANDLE));
    CHECK(place_expect_empty(&place));
    EXPECT_OK(zx_handle_close(read_only));
    EXPECT_OK(zx_handle_close(poor));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, missing_rights_come_before_a_place_outside) {
    struct place place;
    zx_handle_t narrow;
    zx_vaddr_t base, address = UNTOUCHED;
    CHECK(place_create(&place));
    EXPECT_OK(zx_vmar_allocate(place.vmar, ZX_VM_CAN_MAP_READ, 0, 4 * PAGE, &narrow, &base));
    EXPECT_STATUS(
        zx_vmar_map(narrow, READ | ZX_VM_SPECIFIC, 9 * PAGE, place.vmo, 0, PAGE, &address),
        ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(address, UNTOUCHED);
    EXPECT_OK(zx_handle_close(narrow));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, a_size_of_0_is_invalid_args) {
    struct place place;
    CHECK(place_create(&place));
    CHECK(expect_no_map(place.vmar, READ, place.vmo, 0, 0, ZX_ERR_INVALID_ARGS));
    CHECK(place_expect_empty(&place));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, an_offset_inside_a_page_is_invalid_args) {
    struct place place;
    CHECK(place_create(&place));
    CHECK(expect_no_map(place.vmar, READ, place.vmo, 1, PAGE, ZX_ERR_INVALID_ARGS));
    CHECK(expect_no_map(place.vmar, READ, place.vmo, PAGE - 1, PAGE, ZX_ERR_INVALID_ARGS));
    CHECK(place_expect_empty(&place));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_map, an_absurd_size_is_invalid_args) {
    struct place place;
    CHECK(place_create(&place));
    CHECK(expect_no_map(place.vmar, READ, place.vmo, 0, SIZE_MAX, ZX_ERR_INVALID_ARGS));
    CHECK(expect_no_map(place.vmar, READ, place.vmo, 0, SIZE_MAX - PAGE + 1, ZX_ERR_INVALID_ARGS));
    CHECK(place_expect_empty(&place));
    CHECK(place_destroy(&place));
}

/* --- vmar_unmap ------------------------------------------------------------------------------- */

/* Nothing of a mapping of the whole place is unmapped. */
static void expect_no_unmap(const struct place* place, zx_handle_t vmar, zx_vaddr_t address,
                            size_t size, zx_status_t expected) {
    EXPECT_STATUS(zx_vmar_unmap(vmar, address, size), expected);
    for (size_t page = 0; page < 8; page++)
        EXPECT(is_readable(place->base + page * PAGE));
}

TEST(zx_vmar_unmap, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(zx_vmar_unmap(ZX_HANDLE_INVALID, 0x10000, PAGE), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_vmar_unmap(stale_handle(), 0x10000, PAGE), ZX_ERR_BAD_HANDLE);
}

TEST(zx_vmar_unmap, other_object_is_wrong_type) {
    EXPECT_STATUS(zx_vmar_unmap(zx_process_self(), 0x10000, PAGE), ZX_ERR_WRONG_TYPE);
}

TEST(zx_vmar_unmap, an_address_inside_a_page_is_invalid_args) {
    struct place place;
    CHECK(place_create(&place));
    EXPECT_OK(map_at(&place, READ, 0, 8));
    CHECK(expect_no_unmap(&place, place.vmar, place.base + 1, PAGE, ZX_ERR_INVALID_ARGS));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_unmap, a_size_of_0_is_invalid_args) {
    struct place place;
    CHECK(place_create(&place));
    EXPECT_OK(map_at(&place, READ, 0, 8));
    CHECK(expect_no_unmap(&place, place.vmar, place.base, 0, ZX_ERR_INVALID_ARGS));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_unmap, a_range_outside_is_invalid_args) {
    struct place place;
    CHECK(place_create(&place));
    EXPECT_OK(map_at(&place, READ, 0, 8));
    const struct {
        zx_vaddr_t address;
        size_t size;
    } outside[] = {{place.base + 8 * PAGE, PAGE},
                   {place.base + 7 * PAGE, 2 * PAGE},
                   {place.base - PAGE, 2 * PAGE},
                   {0xffff800000000000, PAGE},
                   {place.base, SIZE_MAX & ~(PAGE - 1ul)}};
    for (size_t i = 0; i < countof(outside); i++)
        CHECK(expect_no_unmap(&place, place.vmar, outside[i].address, outside[i].size,
                              ZX_ERR_INVALID_ARGS));
    CHECK(place_destroy(&place));
}

/* --- vmar_protect ----------------------------------------------------------------------------- */

/* A page of the place that may be read and written stays so. */
static void expect_no_protect(zx_handle_t vmar, uint32_t options, const struct place* place,
                              zx_status_t expected) {
    EXPECT_STATUS(zx_vmar_protect(vmar, options, place->base, PAGE), expected);
    EXPECT(is_writable(place->base));
}

static void create_writable(struct place* place) {
    CHECK(place_create(place));
    EXPECT_OK(map_at(place, READ | WRITE | ZX_VM_SPECIFIC, 0, 1));
}

TEST(zx_vmar_protect, unknown_options_are_invalid_args_before_the_handle) {
    static const uint32_t unknown[] = {ZX_VM_SPECIFIC, ZX_VM_CAN_MAP_READ, 1u << 31};
    struct place place;
    CHECK(create_writable(&place));
    for (size_t i = 0; i < countof(unknown); i++) {
        CHECK(expect_no_protect(place.vmar, unknown[i], &place, ZX_ERR_INVALID_ARGS));
        CHECK(expect_no_protect(stale_handle(), unknown[i], &place, ZX_ERR_INVALID_ARGS));
    }
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_protect, invalid_handle_is_bad_handle) {
    struct place place;
    CHECK(create_writable(&place));
    CHECK(expect_no_protect(ZX_HANDLE_INVALID, READ, &place, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_protect(stale_handle(), READ, &place, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_protect(stale_handle(), WRITE, &place, ZX_ERR_BAD_HANDLE));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_protect, other_object_is_wrong_type) {
    struct place place;
    CHECK(create_writable(&place));
    CHECK(expect_no_protect(place.vmo, READ, &place, ZX_ERR_WRONG_TYPE));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_protect, permissions_that_the_handle_lacks_are_access_denied) {
    struct place place;
    CHECK(create_writable(&place));
    for (size_t i = 0; i < countof(needs); i++) {
        zx_handle_t poor = duplicate_without(place.vmar, needs[i].right);
        CHECK(expect_no_protect(poor, needs[i].permissions, &place, ZX_ERR_ACCESS_DENIED));
        EXPECT_OK(zx_handle_close(poor));
    }
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_protect, permissions_that_the_mapped_vmos_handle_lacked_are_access_denied) {
    struct place place;
    zx_vaddr_t address;
    CHECK(create_writable(&place));
    zx_handle_t read_only = duplicate_without(place.vmo, ZX_RIGHT_WRITE);
    EXPECT_OK(zx_vmar_map(place.vmar, READ | ZX_VM_SPECIFIC, PAGE, read_only, 0, PAGE, &address));
    EXPECT_STATUS(zx_vmar_protect(place.vmar, READ | WRITE, address, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_vmar_protect(place.vmar, WRITE, address, PAGE), ZX_ERR_ACCESS_DENIED);
    EXPECT(is_readable(address));
    EXPECT(!is_writable(address));
    EXPECT_OK(zx_handle_close(read_only));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_protect, writing_or_executing_without_reading_is_invalid_args) {
    struct place place;
    CHECK(create_writable(&place));
    CHECK(expect_no_protect(place.vmar, WRITE, &place, ZX_ERR_INVALID_ARGS));
    CHECK(expect_no_protect(place.vmar, EXECUTE, &place, ZX_ERR_INVALID_ARGS));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_protect, missing_rights_come_before_bad_permissions) {
    struct place place;
    CHECK(create_writable(&place));
    zx_handle_t poor = duplicate_without(place.vmar, ZX_RIGHT_WRITE);
    CHECK(expect_no_protect(poor, WRITE, &place, ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(poor));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_protect, an_address_inside_a_page_or_a_size_of_0_is_invalid_args) {
    struct place place;
    CHECK(create_writable(&place));
    EXPECT_STATUS(zx_vmar_protect(place.vmar, READ, place.base + 1, PAGE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_protect(place.vmar, READ, place.base, 0), ZX_ERR_INVALID_ARGS);
    EXPECT(is_writable(place.base));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_protect, a_gap_is_not_found_and_nothing_is_protected) {
    struct place place;
    CHECK(create_writable(&place));
    EXPECT_OK(map_at(&place, READ | WRITE | ZX_VM_SPECIFIC, 2, 1));
    EXPECT_STATUS(zx_vmar_protect(place.vmar, READ, place.base + 4 * PAGE, PAGE), ZX_ERR_NOT_FOUND);
    EXPECT_STATUS(zx_vmar_protect(place.vmar, READ, place.base, 3 * PAGE), ZX_ERR_NOT_FOUND);
    EXPECT(is_writable(place.base));
    EXPECT(is_writable(place.base + 2 * PAGE));
    CHECK(place_destroy(&place));
}

/* --- vmar_allocate ---------------------------------------------------------------------------- */

static void expect_no_child(zx_handle_t vmar, uint32_t options, size_t offset, size_t size,
                            zx_status_t expected) {
    zx_handle_t child = 5;
    zx_vaddr_t address = UNTOUCHED;
    EXPECT_STATUS(zx_vmar_allocate(vmar, options, offset, size, &child, &address), expected);
    EXPECT_EQUAL(child, 5);
    EXPECT_EQUAL(address, UNTOUCHED);
}

/* All of the VMAR at `base` is still free. */
static void expect_free(zx_handle_t vmar, uint32_t options, zx_vaddr_t base, size_t pages) {
    zx_handle_t child;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmar_allocate(vmar, options, 0, pages * PAGE, &child, &address));
    EXPECT_EQUAL(address, base);
    EXPECT_OK(zx_vmar_destroy(child));
    EXPECT_OK(zx_handle_close(child));
}

TEST(zx_vmar_allocate, unknown_options_are_invalid_args_before_the_handle) {
    static const uint32_t unknown[] = {
        1u << 31, READ, WRITE, EXECUTE, ZX_VM_MAP_RANGE, ZX_VM_SPECIFIC_OVERWRITE};
    struct place place;
    CHECK(place_create(&place));
    for (size_t i = 0; i < countof(unknown); i++) {
        uint32_t options = ANY_CHILD | unknown[i];
        CHECK(expect_no_child(place.vmar, options, 0, PAGE, ZX_ERR_INVALID_ARGS));
        CHECK(expect_no_child(stale_handle(), options, 0, PAGE, ZX_ERR_INVALID_ARGS));
    }
    CHECK(expect_free(place.vmar, ANY_CHILD, place.base, 8));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_allocate, invalid_handle_is_bad_handle_before_the_size) {
    CHECK(expect_no_child(ZX_HANDLE_INVALID, ANY_CHILD, 0, PAGE, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_child(stale_handle(), ANY_CHILD, 0, PAGE, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_child(stale_handle(), ANY_CHILD, 0, 0, ZX_ERR_BAD_HANDLE));
}

TEST(zx_vmar_allocate, other_object_is_wrong_type_before_the_size) {
    struct place place;
    CHECK(place_create(&place));
    CHECK(expect_no_child(place.vmo, ANY_CHILD, 0, PAGE, ZX_ERR_WRONG_TYPE));
    CHECK(expect_no_child(place.vmo, ANY_CHILD, 0, 0, ZX_ERR_WRONG_TYPE));
    CHECK(place_destroy(&place));
}

/* What the handle does not allow, a child that is made with it does not, either. */
TEST(zx_vmar_allocate, capabilities_that_the_handle_lacks_are_access_denied_before_the_size) {
    static const struct {
        zx_rights_t right;
        uint32_t capability;
    } rights[] = {{ZX_RIGHT_READ, ZX_VM_CAN_MAP_READ},
                  {ZX_RIGHT_WRITE, ZX_VM_CAN_MAP_WRITE},
                  {ZX_RIGHT_EXECUTE, ZX_VM_CAN_MAP_EXECUTE}};
    struct place place;
    CHECK(place_create(&place));
    for (size_t i = 0; i < countof(rights); i++) {
        zx_handle_t poor = duplicate_without(place.vmar, rights[i].right);
        CHECK(expect_no_child(poor, rights[i].capability, 0, 0, ZX_ERR_ACCESS_DENIED));
        CHECK(expect_no_child(poor, ANY_CHILD, 0, PAGE, ZX_ERR_ACCESS_DENIED));
        EXPECT_OK(zx_handle_close(poor));
    }
    CHECK(expect_free(place.vmar, ANY_CHILD, place.base, 8));
    CHECK(place_destroy(&place));
}

/* Whatever the handle allows. */
TEST(zx_vmar_allocate, capabilities_that_the_parent_lacks_are_access_denied) {
    static const uint32_t more[] = {ZX_VM_CAN_MAP_WRITE, ZX_VM_CAN_MAP_EXECUTE,
                                    ZX_VM_CAN_MAP_SPECIFIC, ZX_VM_SPECIFIC};
    struct place place;
    zx_handle_t narrow;
    zx_vaddr_t base;
    CHECK(place_create(&place));
    EXPECT_OK(zx_vmar_allocate(place.vmar, ZX_VM_CAN_MAP_READ, 0, 4 * PAGE, &narrow, &base));
    for (size_t i = 0; i < countof(more); i++) {
        uint32_t options = ZX_VM_CAN_MAP_READ | more[i];
        CHECK(expect_no_child(narrow, options, 0, PAGE, ZX_ERR_ACCESS_DENIED));
        CHECK(expect_no_child(narrow, options, 0, 8 * PAGE, ZX_ERR_ACCESS_DENIED));
    }
    CHECK(expect_free(narrow, ZX_VM_CAN_MAP_READ, base, 4));
    EXPECT_OK(zx_handle_close(narrow));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_allocate, a_place_outside_is_invalid_args) {
    struct place place;
    uint32_t options = ANY_CHILD | ZX_VM_SPECIFIC;
    CHECK(place_create(&place));
    CHECK(expect_no_child(place.vmar, options, 7 * PAGE, 2 * PAGE, ZX_ERR_INVALID_ARGS));
    CHECK(expect_no_child(place.vmar, options, 8 * PAGE, PAGE, ZX_ERR_INVALID_ARGS));
    CHECK(expect_free(place.vmar, ANY_CHILD, place.base, 8));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_allocate, a_child_larger_than_its_parent_is_invalid_args) {
    struct place place;
    CHECK(place_create(&place));
    CHECK(expect_no_child(place.vmar, ANY_CHILD, 0, 9 * PAGE, ZX_ERR_INVALID_ARGS));
    CHECK(expect_free(place.vmar, ANY_CHILD, place.base, 8));
    CHECK(place_destroy(&place));
}

TEST(zx_vmar_allocate, a_size_that_is_not_whole_pages_is_invalid_args) {
    static const size_t sizes[] = {0, 1, PAGE - 1, PAGE + 1, SIZE_MAX, SIZE_MAX - PAGE + 1};
    for (size_t i = 0; i < countof(sizes); i++)
        CHECK(expect_no_child(zx_vmar_root_self(), ANY_CHILD, 0, sizes[i], ZX_ERR_INVALID_ARGS));
}

/* --- vmar_destroy ----------------------------------------------------------------------------- */

TEST(zx_vmar_destroy, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(zx_vmar_destroy(ZX_HANDLE_INVALID), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_vmar_destroy(stale_handle()), ZX_ERR_BAD_HANDLE);
}

TEST(zx_vmar_destroy, other_object_is_wrong_type) {
    EXPECT_STATUS(zx_vmar_destroy(zx_process_self()), ZX_ERR_WRONG_TYPE);
}

TEST(zx_vmar_destroy, afterwards_each_call_on_it_is_bad_state) {
    struct place place;
    CHECK(place_create(&place));
    EXPECT_OK(zx_vmar_destroy(place.vmar));
    CHECK(expect_no_map(place.vmar, READ, place.vmo, 0, PAGE, ZX_ERR_BAD_STATE));
    CHECK(expect_no_child(place.vmar, ZX_VM_CAN_MAP_READ, 0, PAGE, ZX_ERR_BAD_STATE));
    EXPECT_STATUS(zx_vmar_protect(place.vmar, READ, place.base, PAGE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_unmap(place.vmar, place.base, PAGE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_destroy(place.vmar), ZX_ERR_BAD_STATE);
    CHECK(place_expect_empty(&place));
    EXPECT_OK(zx_handle_close(place.vmar));
    EXPECT_OK(zx_handle_close(place.vmo));
}
