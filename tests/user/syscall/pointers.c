/* Bad user memory, of every kind, in calls of every shape. */
#include <flicker.h>
#include <objects.h>
#include <test.h>

#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES

static void create_with_bad_pointers(void) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    zx_handle_t good = 0x1234;
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        EXPECT_STATUS(zx_event_create(0, bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_vmo_create(PAGE, 0, bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_channel_create(0, bad[i], &good), ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(good, 0x1234);
        EXPECT_STATUS(zx_channel_create(0, &good, bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(good, 0x1234);
        EXPECT_STATUS(zx_job_create(zx_job_default(), 0, bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_process_create(zx_job_default(), "x", 1, 0, &good, bad[i]),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_process_create(zx_job_default(), "x", 1, 0, bad[i], &good),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(good, 0x1234);
        EXPECT_STATUS(zx_thread_create(zx_process_self(), "x", 1, 0, bad[i]), ZX_ERR_INVALID_ARGS);
    }
}

TEST(pointers, bad_out_pointers_of_create_calls_leak_no_handle) {
    CHECK(create_with_bad_pointers()); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 20; i++)
        CHECK(create_with_bad_pointers());
    CHECK(expect_no_leak(&before, 2));
}

TEST(pointers, bad_out_pointers_change_nothing) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    zx_info_handle_basic_t info;
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        EXPECT_STATUS(zx_vmo_get_size(vmo, bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_vmo_read(vmo, bad[i], 0, 8), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_clock_get(ZX_CLOCK_MONOTONIC, bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(
            zx_object_get_info(vmo, ZX_INFO_HANDLE_BASIC, bad[i], sizeof(info), NULL, NULL),
            ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_get_property(vmo, ZX_PROP_NAME, bad[i], ZX_MAX_NAME_LEN),
                      ZX_ERR_INVALID_ARGS);
        if (bad[i]) { /* NULL: not wanted */
            EXPECT_STATUS(zx_object_wait_one(vmo, 0, 0, bad[i]), ZX_ERR_INVALID_ARGS);
            EXPECT_STATUS(
                zx_object_get_info(vmo, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), bad[i], NULL),
                ZX_ERR_INVALID_ARGS);
            EXPECT_STATUS(
                zx_object_get_info(vmo, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, bad[i]),
                ZX_ERR_INVALID_ARGS);
        }
    }
    zx_vaddr_t address;
    zx_handle_t child;
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        EXPECT_STATUS(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, PAGE, bad[i]),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(
            zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ, 0, PAGE, bad[i], &address),
            ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(
            zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ, 0, PAGE, &child, bad[i]),
            ZX_ERR_INVALID_ARGS);
    }
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(pointers, bad_in_pointers_are_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        EXPECT_STATUS(zx_vmo_write(vmo, bad[i], 0, 8), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_debug_write(bad[i], 8), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_handle_close_many(bad[i], 2), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_set_property(vmo, ZX_PROP_NAME, bad[i], 8), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_wait_many(bad[i], 1, 0), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_futex_wait(bad[i], 0, 0), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(pointers, sizes_that_wrap_around_are_refused) {
    zx_handle_t vmo;
    char byte = 0;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT(zx_vmo_write(vmo, &byte, 0, SIZE_MAX) != ZX_OK);
    EXPECT(zx_vmo_read(vmo, &byte, 0, SIZE_MAX) != ZX_OK);
    EXPECT_STATUS(zx_vmo_read(vmo, &byte, UINT64_MAX, 2), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_debug_write(&byte, SIZE_MAX), ZX_ERR_INVALID_ARGS);
    EXPECT(zx_handle_close_many((const zx_handle_t*)&vmo, SIZE_MAX) != ZX_OK);
    /* The first of that endless array was a valid handle. */
    EXPECT(!handle_is_valid(vmo));
}

/* Everything up to the last byte of a page may be used, nothing behind it. */
TEST(pointers, buffers_at_the_end_of_a_page) {
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(2 * PAGE, 0, &vmo));
    static const size_t sizes[] = {1, 2, 7, 8, 9, 63, 64, 65, PAGE - 1, PAGE, PAGE + 1};
    for (size_t i = 0; i < countof(sizes); i++) {
        size_t size = sizes[i];
        char* buffer = guarded_buffer(size);
        EXPECT(buffer);
        memset(buffer, 'a' + (int)i, size);
        EXPECT_OK(zx_vmo_write(vmo, buffer, 0, size));
        memset(buffer, 0, size);
        EXPECT_OK(zx_vmo_read(vmo, buffer, 0, size));
        EXPECT_EQUAL(buffer[0], 'a' + (int)i);
        EXPECT_EQUAL(buffer[size - 1], 'a' + (int)i);
        EXPECT_STATUS(zx_vmo_write(vmo, buffer, 0, size + 1), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_vmo_read(vmo, buffer, 0, size + 1), ZX_ERR_INVALID_ARGS);
        guarded_buffer_free(buffer, size);
    }
    EXPECT_OK(zx_handle_close(vmo));
}

/* --- memory that goes away during the copy ---------------------------------------------------- */

#define FLICKERING_SIZE (16 * PAGE)

static char contents[FLICKERING_SIZE];

static void fill(zx_handle_t vmo, char byte) {
    memset(contents, byte, sizeof(contents));
    EXPECT_OK(zx_vmo_write(vmo, contents, 0, sizeof(contents)));
}

/* A copy of 'n' over 'o' succeeded as a whole; or it failed where the memory ended, and behind that
 * all is as it was. */
static void expect_copied(zx_handle_t vmo, zx_status_t status) {
    size_t done = 0;
    EXPECT_OK(zx_vmo_read(vmo, contents, 0, sizeof(contents)));
    while (done < sizeof(contents) && contents[done] == 'n')
        done++;
    if (status == ZX_OK) {
        EXPECT_EQUAL(done, sizeof(contents));
    } else {
        EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
        EXPECT(done < sizeof(contents));
    }
    for (size_t i = done; i < sizeof(contents); i++)
        EXPECT_EQUAL(contents[i], 'o');
}

TEST(zx_vmo_write, memory_unmapped_during_the_copy_is_invalid_args) {
    struct flicker flicker;
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(FLICKERING_SIZE, 0, &vmo));
    CHECK(flicker_start(&flicker, FLICKERING_SIZE));
    CHECK(fill(flicker.vmo, 'n'));
    while (!flicker_is_over(&flicker)) {
        fill(vmo, 'o');
        zx_status_t status = zx_vmo_write(vmo, flicker.bytes, 0, FLICKERING_SIZE);
        flicker_count(&flicker, status == ZX_OK);
        expect_copied(vmo, status);
    }
    CHECK(flicker_stop(&flicker));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmo_read, memory_unmapped_during_the_copy_is_invalid_args) {
    struct flicker flicker;
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(FLICKERING_SIZE, 0, &vmo));
    CHECK(flicker_start(&flicker, FLICKERING_SIZE));
    CHECK(fill(vmo, 'n'));
    while (!flicker_is_over(&flicker)) {
        fill(flicker.vmo, 'o');
        zx_status_t status = zx_vmo_read(vmo, flicker.bytes, 0, FLICKERING_SIZE);
        flicker_count(&flicker, status == ZX_OK);
        expect_copied(flicker.vmo, status);
    }
    CHECK(flicker_stop(&flicker));
    EXPECT_OK(zx_handle_close(vmo));
}
