/* The memory calls and flags as the three generations spell them. */
#include <helper.h>
#include <objects.h>
#include <reach.h>
#include <test.h>

#include <magenta/process.h>
#include <magenta/syscalls.h>
#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES

/* --- flags ------------------------------------------------------------------------------------ */

static const struct {
    uint32_t of_2018, of_2017, value;
} flags[] = {
    {ZX_VM_FLAG_PERM_READ, MX_VM_FLAG_PERM_READ, 1u << 0},
    {ZX_VM_FLAG_PERM_WRITE, MX_VM_FLAG_PERM_WRITE, 1u << 1},
    {ZX_VM_FLAG_PERM_EXECUTE, MX_VM_FLAG_PERM_EXECUTE, 1u << 2},
    {ZX_VM_FLAG_COMPACT, MX_VM_FLAG_COMPACT, 1u << 3},
    {ZX_VM_FLAG_SPECIFIC, MX_VM_FLAG_SPECIFIC, 1u << 4},
    {ZX_VM_FLAG_SPECIFIC_OVERWRITE, MX_VM_FLAG_SPECIFIC_OVERWRITE, 1u << 5},
    {ZX_VM_FLAG_CAN_MAP_SPECIFIC, MX_VM_FLAG_CAN_MAP_SPECIFIC, 1u << 6},
    {ZX_VM_FLAG_CAN_MAP_READ, MX_VM_FLAG_CAN_MAP_READ, 1u << 7},
    {ZX_VM_FLAG_CAN_MAP_WRITE, MX_VM_FLAG_CAN_MAP_WRITE, 1u << 8},
    {ZX_VM_FLAG_CAN_MAP_EXECUTE, MX_VM_FLAG_CAN_MAP_EXECUTE, 1u << 9},
    {ZX_VM_FLAG_MAP_RANGE, MX_VM_FLAG_MAP_RANGE, 1u << 10},
    {ZX_VM_FLAG_REQUIRE_NON_RESIZABLE, ZX_VM_REQUIRE_NON_RESIZABLE, 1u << 11},
    {ZX_VMO_NON_RESIZABLE, 1u, 1u << 0},
    {ZX_VMO_CLONE_COPY_ON_WRITE, MX_VMO_CLONE_COPY_ON_WRITE, 1u << 0},
    {ZX_VMO_CLONE_NON_RESIZEABLE, 2u, 1u << 1},
    {ZX_VMO_ZERO_CHILDREN, ZX_OBJECT_SIGNALED, 1u << 3},
};

TEST(vm_flags, have_the_ancestors_values) {
    for (size_t i = 0; i < countof(flags); i++) {
        EXPECT_EQUAL(flags[i].of_2018, flags[i].value);
        EXPECT_EQUAL(flags[i].of_2017, flags[i].value);
    }
}

/* --- 2017: VMARs ------------------------------------------------------------------------------ */

TEST(mx_vmar_map, takes_its_flags_last) {
    mx_handle_t child, vmo;
    uintptr_t base, address;
    EXPECT_STATUS(mx_vmo_create(2 * PAGE, 0, &vmo), MX_OK);
    EXPECT_STATUS(mx_vmar_allocate(mx_vmar_root_self(), 0, 8 * PAGE,
                                   MX_VM_FLAG_CAN_MAP_READ | MX_VM_FLAG_CAN_MAP_WRITE |
                                       MX_VM_FLAG_CAN_MAP_SPECIFIC,
                                   &child, &base),
                  MX_OK);
    EXPECT_STATUS(mx_vmar_map(child, 3 * PAGE, vmo, PAGE, PAGE,
                              MX_VM_FLAG_PERM_READ | MX_VM_FLAG_PERM_WRITE | MX_VM_FLAG_SPECIFIC,
                              &address),
                  MX_OK);
    EXPECT_EQUAL(address, base + 3 * PAGE);
    *(volatile char*)address = 'm';
    char byte = 0;
    size_t actual = 0;
    EXPECT_STATUS(mx_vmo_read(vmo, &byte, PAGE, 1, &actual), MX_OK);
    EXPECT_EQUAL(byte, 'm');
    EXPECT_EQUAL(actual, 1);
    EXPECT_STATUS(mx_vmar_protect(child, address, PAGE, MX_VM_FLAG_PERM_READ), MX_OK);
    EXPECT(!is_writable(address));
    EXPECT_STATUS(mx_vmar_map(child, 3 * PAGE, vmo, 0, PAGE,
                              MX_VM_FLAG_PERM_READ | MX_VM_FLAG_SPECIFIC, &address),
                  MX_ERR_NO_MEMORY);
    EXPECT_STATUS(mx_vmar_unmap(child, address, PAGE), MX_OK);
    EXPECT(!is_readable(address));
    EXPECT_STATUS(mx_vmar_destroy(child), MX_OK);
    EXPECT_STATUS(mx_vmar_destroy(child), MX_ERR_BAD_STATE);
    EXPECT_STATUS(mx_handle_close(child), MX_OK);
    EXPECT_STATUS(mx_handle_close(vmo), MX_OK);
}

/* --- 2017: VMOs ------------------------------------------------------------------------------- */

TEST(mx_vmo_read, and_write_stop_at_the_end_and_say_so) {
    static const struct {
        uint64_t offset;
        size_t size, actual;
    } inside[] = {{0, PAGE, PAGE},         {PAGE - 3, 3, 3}, {PAGE - 3, 4, 3},
                  {1, SIZE_MAX, PAGE - 1}, {PAGE, 0, 0},     {PAGE, 1, 0}};
    static char out[PAGE], in[PAGE];
    mx_handle_t vmo;
    EXPECT_STATUS(mx_vmo_create(PAGE, 0, &vmo), MX_OK);
    for (size_t i = 0; i < countof(inside); i++) {
        size_t actual = SIZE_MAX;
        memset(out, 'a' + (int)i, sizeof(out));
        memset(in, 0, sizeof(in));
        EXPECT_STATUS(mx_vmo_write(vmo, out, inside[i].offset, inside[i].size, &actual), MX_OK);
        EXPECT_EQUAL(actual, inside[i].actual);
        actual = SIZE_MAX;
        EXPECT_STATUS(mx_vmo_read(vmo, in, inside[i].offset, inside[i].size, &actual), MX_OK);
        EXPECT_EQUAL(actual, inside[i].actual);
        EXPECT_BYTES(in, out, actual);
        EXPECT(actual == sizeof(in) || in[actual] == 0);
        EXPECT_STATUS(mx_vmo_read(vmo, in, inside[i].offset, inside[i].size, NULL), MX_OK);
    }
    EXPECT_STATUS(mx_handle_close(vmo), MX_OK);
}

TEST(mx_vmo_clone, makes_a_clone_of_the_size) {
    mx_handle_t vmo, clone;
    uint64_t size = 0;
    EXPECT_STATUS(mx_vmo_create(2 * PAGE, 0, &vmo), MX_OK);
    EXPECT_STATUS(mx_vmo_clone(vmo, MX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE, &clone), MX_OK);
    EXPECT_STATUS(mx_vmo_get_size(clone, &size), MX_OK);
    EXPECT_EQUAL(size, PAGE);
    EXPECT_STATUS(mx_handle_close(clone), MX_OK);
    EXPECT_STATUS(mx_handle_close(vmo), MX_OK);
}

/* --- 2018-07's names for the order that 2017 had ---------------------------------------------- */

TEST(zx_vmar_map_old, takes_its_flags_last) {
    zx_handle_t child, vmo;
    zx_vaddr_t base, address;
    EXPECT_OK(zx_vmo_create(PAGE, ZX_VMO_NON_RESIZABLE, &vmo));
    EXPECT_OK(zx_vmar_allocate_old(zx_vmar_root_self(), 0, 4 * PAGE,
                                   ZX_VM_FLAG_CAN_MAP_READ | ZX_VM_FLAG_CAN_MAP_SPECIFIC, &child,
                                   &base));
    EXPECT_OK(zx_vmar_map_old(
        child, PAGE, vmo, 0, PAGE,
        ZX_VM_FLAG_PERM_READ | ZX_VM_FLAG_SPECIFIC | ZX_VM_FLAG_REQUIRE_NON_RESIZABLE, &address));
    EXPECT_EQUAL(address, base + PAGE);
    EXPECT(is_readable(address));
    EXPECT_OK(zx_vmar_protect_old(child, address, PAGE, 0));
    EXPECT(!is_readable(address));
    EXPECT_OK(zx_vmar_destroy(child));
    EXPECT_OK(zx_handle_close(child));
    EXPECT_OK(zx_handle_close(vmo));
}
