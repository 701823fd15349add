/* The errors of the calls on VMOs. Each case checks that nothing was copied or made. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES
#define UNTOUCHED 5

/* One generation of the copies. The zx ones have no `actual`: then it stays as it was. */
struct generation {
    zx_status_t (*read)(zx_handle_t, void*, uint64_t, size_t, size_t*);
    zx_status_t (*write)(zx_handle_t, const void*, uint64_t, size_t, size_t*);
};

static zx_status_t zx_read(zx_handle_t vmo, void* bytes, uint64_t offset, size_t size,
                           size_t* actual) {
    (void)actual;
    return zx_vmo_read(vmo, bytes, offset, size);
}

static zx_status_t zx_write(zx_handle_t vmo, const void* bytes, uint64_t offset, size_t size,
                            size_t* actual) {
    (void)actual;
    return zx_vmo_write(vmo, bytes, offset, size);
}

static const struct generation zx = {zx_read, zx_write};
static const struct generation mx = {mx_vmo_read, mx_vmo_write};

/* A VMO of one page that begins with "kept". */
static zx_handle_t create_vmo(void) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    if (zx_vmo_create(PAGE, 0, &vmo) == ZX_OK)
        zx_vmo_write(vmo, "kept", 0, 4);
    return vmo;
}

static void expect_kept(zx_handle_t vmo) {
    char bytes[5] = "....";
    EXPECT_OK(zx_vmo_read(vmo, bytes, 0, 4));
    EXPECT_STRING(bytes, "kept");
}

/* A read (a write) of one byte fails so. */
static void expect_no_read(const struct generation* generation, zx_handle_t vmo, uint64_t offset,
                           zx_status_t expected) {
    char byte = 'u';
    size_t actual = UNTOUCHED;
    EXPECT_STATUS(generation->read(vmo, &byte, offset, 1, &actual), expected);
    EXPECT_EQUAL(byte, 'u');
    EXPECT_EQUAL(actual, UNTOUCHED);
}

static void expect_no_write(const struct generation* generation, zx_handle_t vmo, uint64_t offset,
                            zx_status_t expected) {
    size_t actual = UNTOUCHED;
    EXPECT_STATUS(generation->write(vmo, "w", offset, 1, &actual), expected);
    EXPECT_EQUAL(actual, UNTOUCHED);
}

static const uint64_t behind_the_end[] = {PAGE + 1, 2 * PAGE, UINT64_MAX};

/* --- vmo_read --------------------------------------------------------------------------------- */

TEST_BOTH(vmo_read, invalid_handle_is_bad_handle) {
    CHECK(expect_no_read(generation, ZX_HANDLE_INVALID, 0, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_read(generation, stale_handle(), 0, ZX_ERR_BAD_HANDLE));
}

TEST_BOTH(vmo_read, other_object_is_wrong_type) {
    CHECK(expect_no_read(generation, zx_process_self(), 0, ZX_ERR_WRONG_TYPE));
}

TEST_BOTH(vmo_read, missing_read_right_is_access_denied) {
    zx_handle_t vmo = create_vmo();
    zx_handle_t no_read = duplicate_without(vmo, ZX_RIGHT_READ);
    CHECK(expect_no_read(generation, no_read, 0, ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(no_read));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST_BOTH(vmo_read, no_right_but_read_is_needed) {
    char byte = 'u';
    size_t actual = UNTOUCHED;
    zx_handle_t vmo = create_vmo();
    zx_handle_t only_read = duplicate_without(vmo, (zx_rights_t)~ZX_RIGHT_READ);
    EXPECT_OK(generation->read(only_read, &byte, 0, 1, &actual));
    EXPECT_EQUAL(byte, 'k');
    EXPECT_OK(zx_handle_close(only_read));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST_BOTH(vmo_read, behind_the_end_is_out_of_range) {
    zx_handle_t vmo = create_vmo();
    for (size_t i = 0; i < countof(behind_the_end); i++)
        CHECK(expect_no_read(generation, vmo, behind_the_end[i], ZX_ERR_OUT_OF_RANGE));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST_BOTH(vmo_read, bad_buffer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    size_t actual = UNTOUCHED;
    zx_handle_t vmo = create_vmo();
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(generation->read(vmo, bad[i], 0, 4, &actual), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(mx_vmo_read, bad_actual_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    char byte = 'u';
    zx_handle_t vmo = create_vmo();
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        if (bad[i])
            EXPECT_STATUS(mx_vmo_read(vmo, &byte, 0, 1, bad[i]), MX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(byte, 'u');
    EXPECT_OK(zx_handle_close(vmo));
}

/* --- vmo_write -------------------------------------------------------------------------------- */

TEST_BOTH(vmo_write, invalid_handle_is_bad_handle) {
    CHECK(expect_no_write(generation, ZX_HANDLE_INVALID, 0, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_write(generation, stale_handle(), 0, ZX_ERR_BAD_HANDLE));
}

TEST_BOTH(vmo_write, other_object_is_wrong_type) {
    CHECK(expect_no_write(generation, zx_process_self(), 0, ZX_ERR_WRONG_TYPE));
}

TEST_BOTH(vmo_write, missing_write_right_is_access_denied) {
    zx_handle_t vmo = create_vmo();
    zx_handle_t no_write = duplicate_without(vmo, ZX_RIGHT_WRITE);
    CHECK(expect_no_write(generation, no_write, 0, ZX_ERR_ACCESS_DENIED));
    CHECK(expect_kept(vmo));
    EXPECT_OK(zx_handle_close(no_write));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST_BOTH(vmo_write, no_right_but_write_is_needed) {
    char byte = 'u';
    size_t actual = UNTOUCHED;
    zx_handle_t vmo = create_vmo();
    zx_handle_t only_write = duplicate_without(vmo, (zx_rights_t)~ZX_RIGHT_WRITE);
    EXPECT_OK(generation->write(only_write, "w", 0, 1, &actual));
    EXPECT_OK(zx_vmo_read(vmo, &byte, 0, 1));
    EXPECT_EQUAL(byte, 'w');
    EXPECT_OK(zx_handle_close(only_write));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST_BOTH(vmo_write, behind_the_end_is_out_of_range) {
    zx_handle_t vmo = create_vmo();
    for (size_t i = 0; i < countof(behind_the_end); i++)
        CHECK(expect_no_write(generation, vmo, behind_the_end[i], ZX_ERR_OUT_OF_RANGE));
    CHECK(expect_kept(vmo));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST_BOTH(vmo_write, bad_buffer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    size_t actual = UNTOUCHED;
    zx_handle_t vmo = create_vmo();
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(generation->write(vmo, bad[i], 0, 4, &actual), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(actual, UNTOUCHED);
    CHECK(expect_kept(vmo));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(mx_vmo_write, bad_actual_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    zx_handle_t vmo = create_vmo();
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        if (bad[i]) /* NULL: not wanted */
            EXPECT_STATUS(mx_vmo_write(vmo, "w", 0, 1, bad[i]), MX_ERR_INVALID_ARGS);
    CHECK(expect_kept(vmo));
    EXPECT_OK(zx_handle_close(vmo));
}

/* --- size ------------------------------------------------------------------------------------- */

static void expect_no_size(zx_handle_t vmo, zx_status_t expected) {
    uint64_t size = UNTOUCHED;
    EXPECT_STATUS(zx_vmo_get_size(vmo, &size), expected);
    EXPECT_EQUAL(size, UNTOUCHED);
}

TEST(zx_vmo_get_size, invalid_handle_is_bad_handle) {
    CHECK(expect_no_size(ZX_HANDLE_INVALID, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_size(stale_handle(), ZX_ERR_BAD_HANDLE));
}

TEST(zx_vmo_get_size, other_object_is_wrong_type) {
    CHECK(expect_no_size(zx_process_self(), ZX_ERR_WRONG_TYPE));
}

/* --- clones ----------------------------------------------------------------------------------- */

/* No clone is made: nothing is stored, and the VMO, if it is one, has no child. */
static void expect_no_clone(zx_handle_t vmo, uint32_t options, uint64_t size,
                            zx_status_t expected) {
    zx_handle_t clone = UNTOUCHED;
    EXPECT_STATUS(zx_vmo_clone(vmo, options, 0, size, &clone), expected);
    EXPECT_EQUAL(clone, UNTOUCHED);
    if (handle_type(vmo) == ZX_OBJ_TYPE_VMO)
        EXPECT(object_signals(vmo) & ZX_VMO_ZERO_CHILDREN);
}

TEST(zx_vmo_clone, unknown_options_are_invalid_args_before_the_handle) {
    static const uint32_t unknown[] = {0, 2, 4, 5, 0x80000001, UINT32_MAX};
    zx_handle_t vmo = create_vmo();
    for (size_t i = 0; i < countof(unknown); i++) {
        CHECK(expect_no_clone(vmo, unknown[i], PAGE, ZX_ERR_INVALID_ARGS));
        CHECK(expect_no_clone(stale_handle(), unknown[i], PAGE, ZX_ERR_INVALID_ARGS));
    }
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmo_clone, invalid_handle_is_bad_handle) {
    CHECK(expect_no_clone(ZX_HANDLE_INVALID, ZX_VMO_CLONE_COPY_ON_WRITE, PAGE, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_clone(stale_handle(), ZX_VMO_CLONE_COPY_ON_WRITE, PAGE, ZX_ERR_BAD_HANDLE));
}

TEST(zx_vmo_clone, other_object_is_wrong_type) {
    CHECK(expect_no_clone(zx_process_self(), ZX_VMO_CLONE_COPY_ON_WRITE, PAGE, ZX_ERR_WRONG_TYPE));
}

TEST(zx_vmo_clone, missing_read_or_duplicate_right_is_access_denied) {
    static const zx_rights_t missing[] = {ZX_RIGHT_READ, ZX_RIGHT_DUPLICATE};
    zx_handle_t vmo = create_vmo();
    for (size_t i = 0; i < countof(missing); i++) {
        zx_handle_t poor = duplicate_without(vmo, missing[i]);
        CHECK(expect_no_clone(poor, ZX_VMO_CLONE_COPY_ON_WRITE, PAGE, ZX_ERR_ACCESS_DENIED));
        EXPECT_OK(zx_handle_close(poor));
    }
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmo_clone, absurd_size_is_out_of_range) {
    zx_handle_t vmo = create_vmo();
    CHECK(expect_no_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE, UINT64_MAX, ZX_ERR_OUT_OF_RANGE));
    EXPECT_OK(zx_handle_close(vmo));
}
