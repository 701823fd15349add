/* VMOs: size, contents, clones. */
#include <objects.h>
#include <test.h>

#include <stdlib.h>
#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES

TEST(zx_vmo_create, size_is_whole_pages_and_may_be_zero) {
    static const struct {
        uint64_t asked, given;
    } sizes[] = {{0, 0}, {1, PAGE}, {PAGE, PAGE}, {PAGE + 1, 2 * PAGE}, {1 << 30, 1 << 30}};
    for (size_t i = 0; i < countof(sizes); i++) {
        zx_handle_t vmo;
        uint64_t size = 5;
        EXPECT_OK(zx_vmo_create(sizes[i].asked, 0, &vmo));
        EXPECT_OK(zx_vmo_get_size(vmo, &size));
        EXPECT_EQUAL(size, sizes[i].given);
        EXPECT_OK(zx_handle_close(vmo));
    }
}

TEST(zx_vmo_create, options_are_invalid_args) {
    zx_handle_t vmo = 5;
    EXPECT_STATUS(zx_vmo_create(PAGE, 2, &vmo), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(vmo, 5);
}

TEST(zx_vmo_create, absurd_size_is_out_of_range) {
    zx_handle_t vmo = 5;
    EXPECT_STATUS(zx_vmo_create(UINT64_MAX, 0, &vmo), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmo_create(UINT64_MAX - PAGE + 1, 0, &vmo), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQUAL(vmo, 5);
}

TEST(zx_vmo_create, is_zero_and_takes_no_pages_until_touched) {
    zx_handle_t vmo;
    char bytes[64], zeros[64] = {0};
    zx_info_kernel_memory_t before = kernel_memory();
    EXPECT_OK(zx_vmo_create(256u << 20, 0, &vmo));
    EXPECT(kernel_memory().free_pages + 64 > before.free_pages); /* others may give back, too */
    memset(bytes, 1, sizeof(bytes));
    EXPECT_OK(zx_vmo_read(vmo, bytes, 123456789, sizeof(bytes)));
    EXPECT_BYTES(bytes, zeros, sizeof(bytes));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmo_write, crosses_pages_and_is_read_back) {
    static const struct {
        uint64_t offset;
        size_t size;
    } spans[] = {{0, 1},           {PAGE - 1, 2},  {PAGE / 2, PAGE}, {0, 4 * PAGE},
                 {3 * PAGE, PAGE}, {17, 3 * PAGE}, {4 * PAGE, 0}};
    unsigned char* out = malloc(4 * PAGE);
    unsigned char* in = malloc(4 * PAGE);
    zx_handle_t vmo;
    EXPECT(out && in);
    EXPECT_OK(zx_vmo_create(4 * PAGE, 0, &vmo));
    for (size_t i = 0; i < countof(spans); i++) {
        for (size_t k = 0; k < spans[i].size; k++)
            out[k] = (unsigned char)(k * 13 + i);
        memset(in, 0, 4 * PAGE);
        EXPECT_OK(zx_vmo_write(vmo, out, spans[i].offset, spans[i].size));
        EXPECT_OK(zx_vmo_read(vmo, in, spans[i].offset, spans[i].size));
        EXPECT_BYTES(in, out, spans[i].size);
    }
    free(out);
    free(in);
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmo_write, outside_is_out_of_range_and_changes_nothing) {
    zx_handle_t vmo;
    char bytes[16] = "0123456789abcde", zeros[16] = {0}, in[16];
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_STATUS(zx_vmo_write(vmo, bytes, PAGE - 15, 16), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmo_write(vmo, bytes, PAGE, 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmo_write(vmo, bytes, UINT64_MAX, 16), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmo_read(vmo, bytes, PAGE - 15, 16), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmo_read(vmo, bytes, UINT64_MAX - 7, 16), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STRING(bytes, "0123456789abcde");
    EXPECT_OK(zx_vmo_read(vmo, in, PAGE - 16, 16));
    EXPECT_BYTES(in, zeros, 16);
    EXPECT_OK(zx_handle_close(vmo));
}

/* --- clones ------------------------------------------------------------------------------- */

static void expect_byte(zx_handle_t vmo, uint64_t offset, char expected) {
    char byte = '?';
    EXPECT_OK(zx_vmo_read(vmo, &byte, offset, 1));
    EXPECT_EQUAL(byte, expected);
}

TEST(zx_vmo_clone, both_sides_change_for_themselves_only) {
    zx_handle_t parent, clone;
    EXPECT_OK(zx_vmo_create(3 * PAGE, 0, &parent));
    EXPECT_OK(zx_vmo_write(parent, "p", 0, 1));
    EXPECT_OK(zx_vmo_write(parent, "q", PAGE, 1));
    EXPECT_OK(zx_vmo_clone(parent, ZX_VMO_CLONE_COPY_ON_WRITE, 0, 3 * PAGE, &clone));
    CHECK(expect_byte(clone, 0, 'p'));
    EXPECT_OK(zx_vmo_write(clone, "c", 0, 1));
    CHECK(expect_byte(parent, 0, 'p'));
    EXPECT_OK(zx_vmo_write(parent, "r", PAGE, 1));
    CHECK(expect_byte(clone, PAGE, 'q'));
    CHECK(expect_byte(clone, 2 * PAGE, 0));
    EXPECT_OK(zx_handle_close(parent));
    CHECK(expect_byte(clone, 0, 'c'));
    CHECK(expect_byte(clone, PAGE, 'q'));
    EXPECT_OK(zx_handle_close(clone));
}

TEST(zx_vmo_clone, of_a_part_and_of_a_clone) {
    zx_handle_t parent, clone, grandchild;
    EXPECT_OK(zx_vmo_create(4 * PAGE, 0, &parent));
    for (int i = 0; i < 4; i++)
        EXPECT_OK(zx_vmo_write(parent, &"0123"[i], (uint64_t)i * PAGE, 1));
    EXPECT_OK(zx_vmo_clone(parent, ZX_VMO_CLONE_COPY_ON_WRITE, PAGE, 2 * PAGE, &clone));
    CHECK(expect_byte(clone, 0, '1'));
    CHECK(expect_byte(clone, PAGE, '2'));
    EXPECT_OK(zx_vmo_write(clone, "x", PAGE, 1));
    EXPECT_OK(zx_vmo_clone(clone, ZX_VMO_CLONE_COPY_ON_WRITE, 0, 2 * PAGE, &grandchild));
    EXPECT_OK(zx_handle_close(clone));
    EXPECT_OK(zx_vmo_write(parent, "y", PAGE, 1));
    CHECK(expect_byte(grandchild, 0, '1'));
    CHECK(expect_byte(grandchild, PAGE, 'x'));
    EXPECT_OK(zx_handle_close(parent));
    CHECK(expect_byte(grandchild, 0, '1'));
    EXPECT_OK(zx_handle_close(grandchild));
}

/* The pages that the clone writes become its own; the original stays as it is. */
TEST(zx_vmo_clone, of_a_read_only_handle_can_be_written) {
    zx_handle_t parent, clone;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &parent));
    EXPECT_OK(zx_vmo_write(parent, "p", 0, 1));
    zx_handle_t read_only = duplicate_without(parent, ZX_RIGHT_WRITE | ZX_RIGHTS_PROPERTY);
    zx_rights_t rights = handle_rights(read_only);
    EXPECT_EQUAL(rights & ZX_RIGHT_WRITE, 0);
    EXPECT_OK(zx_vmo_clone(read_only, ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE, &clone));
    EXPECT_EQUAL(handle_rights(clone), rights | ZX_RIGHT_WRITE | ZX_RIGHTS_PROPERTY);
    EXPECT_OK(zx_vmo_write(clone, "c", 0, 1));
    EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, clone, 0,
                          PAGE, &address));
    ((char*)address)[1] = 'd';
    CHECK(expect_byte(clone, 1, 'd'));
    CHECK(expect_byte(parent, 0, 'p'));
    CHECK(expect_byte(parent, 1, 0));
    EXPECT_STATUS(zx_vmo_write(read_only, "r", 0, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), address, PAGE));
    const zx_handle_t handles[] = {parent, read_only, clone};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

TEST(zx_vmo_clone, leaks_nothing) {
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 200; i++) {
        zx_handle_t parent, clone;
        EXPECT_OK(zx_vmo_create(8 * PAGE, 0, &parent));
        EXPECT_OK(zx_vmo_write(parent, "p", PAGE, 1));
        EXPECT_OK(zx_vmo_clone(parent, ZX_VMO_CLONE_COPY_ON_WRITE, 0, 8 * PAGE, &clone));
        EXPECT_OK(zx_vmo_write(clone, "c", PAGE, 1));
        EXPECT_OK(zx_vmo_write(clone, "c", 2 * PAGE, 1));
        EXPECT_OK(zx_handle_close(i % 2 ? parent : clone));
        EXPECT_OK(zx_handle_close(i % 2 ? clone : parent));
    }
    CHECK(expect_no_leak(&before, 0));
}
