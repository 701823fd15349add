/* 2016's calls for the memory of a process: what they do, and their errors. Each case of an error
 * checks that nothing was mapped, protected or unmapped. */
#include <objects.h>
#include <reach.h>
#include <test.h>

#include <magenta/process.h>
#include <magenta/syscalls.h>
#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES
#define READ MX_VM_FLAG_PERM_READ
#define READ_WRITE (MX_VM_FLAG_PERM_READ | MX_VM_FLAG_PERM_WRITE)

static mx_handle_t create_vmo(size_t pages) {
    mx_handle_t vmo = MX_HANDLE_INVALID;
    mx_vmo_create(pages * PAGE, 0, &vmo);
    return vmo;
}

/* Maps `pages` pages of a new VMO that may be read and written. */
static uintptr_t map_pages(size_t pages) {
    mx_handle_t vmo = create_vmo(pages);
    uintptr_t address = 0;
    mx_process_map_vm(mx_process_self(), vmo, 0, pages * PAGE, &address, READ_WRITE);
    mx_handle_close(vmo);
    return address;
}

TEST(mx_process_map_vm, maps_until_it_is_unmapped) {
    uintptr_t address = map_pages(4);
    for (size_t page = 0; page < 4; page++)
        EXPECT(is_writable(address + page * PAGE));
    EXPECT_STATUS(mx_process_unmap_vm(mx_process_self(), address, 4 * PAGE), NO_ERROR);
    for (size_t page = 0; page < 4; page++)
        EXPECT(!is_readable(address + page * PAGE));
}

TEST(mx_process_protect_vm, protects_the_range_only) {
    uintptr_t address = map_pages(2);
    EXPECT_STATUS(mx_process_protect_vm(mx_process_self(), address, PAGE, READ), NO_ERROR);
    EXPECT(is_readable(address));
    EXPECT(!is_writable(address));
    EXPECT(is_writable(address + PAGE));
    EXPECT_STATUS(mx_process_unmap_vm(mx_process_self(), address, 2 * PAGE), NO_ERROR);
}

/* A page's address that is free, as good as certainly. */
static uintptr_t free_address(void) {
    uintptr_t address = map_pages(1);
    mx_process_unmap_vm(mx_process_self(), address, PAGE);
    return address;
}

TEST(mx_process_map_vm, a_fixed_address_is_used) {
    uintptr_t wanted = free_address(), address = wanted;
    mx_handle_t vmo = create_vmo(1);
    EXPECT_STATUS(
        mx_process_map_vm(mx_process_self(), vmo, 0, PAGE, &address, READ_WRITE | MX_VM_FLAG_FIXED),
        NO_ERROR);
    EXPECT_EQUAL(address, wanted);
    EXPECT(is_writable(address));
    EXPECT_STATUS(mx_process_unmap_vm(mx_process_self(), address, PAGE), NO_ERROR);
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

TEST(mx_process_map_vm, a_fixed_address_in_use_is_no_memory_and_stays_as_it_is) {
    uintptr_t page = map_pages(1), address = page;
    mx_handle_t vmo = create_vmo(1);
    *(volatile char*)page = 'k';
    EXPECT_STATUS(
        mx_process_map_vm(mx_process_self(), vmo, 0, PAGE, &address, READ | MX_VM_FLAG_FIXED),
        ERR_NO_MEMORY);
    EXPECT_EQUAL(address, page);
    EXPECT(is_writable(page));
    EXPECT_EQUAL(*(volatile char*)page, 'k');
    EXPECT_STATUS(mx_process_unmap_vm(mx_process_self(), page, PAGE), NO_ERROR);
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

TEST(mx_process_map_vm, a_proposed_address_is_used_if_it_is_free) {
    uintptr_t wanted = free_address(), address = wanted;
    mx_handle_t vmo = create_vmo(1);
    EXPECT_STATUS(
        mx_process_map_vm(mx_process_self(), vmo, 0, PAGE, &address, READ | MX_VM_FLAG_ALLOC_BASE),
        NO_ERROR);
    EXPECT_EQUAL(address, wanted);
    EXPECT_STATUS(mx_process_unmap_vm(mx_process_self(), address, PAGE), NO_ERROR);
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

TEST(mx_process_map_vm, instead_of_a_proposed_address_in_use_another_is_used) {
    uintptr_t page = map_pages(1), others[2] = {page, page};
    mx_handle_t vmo = create_vmo(1);
    *(volatile char*)page = 'k';
    for (int i = 0; i < 2; i++) {
        EXPECT_STATUS(mx_process_map_vm(mx_process_self(), vmo, 0, PAGE, &others[i],
                                        READ | MX_VM_FLAG_ALLOC_BASE),
                      NO_ERROR);
        EXPECT(is_readable(others[i]));
    }
    EXPECT(others[0] != page && others[1] != page && others[0] != others[1]);
    EXPECT_EQUAL(*(volatile char*)page, 'k');
    EXPECT_STATUS(mx_process_unmap_vm(mx_process_self(), others[0], PAGE), NO_ERROR);
    EXPECT_STATUS(mx_process_unmap_vm(mx_process_self(), others[1], PAGE), NO_ERROR);
    EXPECT_STATUS(mx_process_unmap_vm(mx_process_self(), page, PAGE), NO_ERROR);
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

TEST(mx_process_map_vm, works_on_another_process) {
    zx_handle_t process, vmar, vmo;
    uintptr_t address;
    EXPECT_OK(zx_process_create(zx_job_default(), "other", 5, 0, &process, &vmar));
    EXPECT_STATUS(mx_vmo_create(PAGE, 0, &vmo), NO_ERROR);
    EXPECT_STATUS(mx_process_map_vm(process, vmo, 0, PAGE, &address, READ), NO_ERROR);
    EXPECT(!is_readable(address)); /* not here */
    EXPECT_OK(zx_vmar_protect(vmar, 0, address, PAGE));
    EXPECT_STATUS(mx_process_unmap_vm(process, address, PAGE), NO_ERROR);
    EXPECT_STATUS(mx_process_protect_vm(process, address, PAGE, 0), ERR_NOT_FOUND);
    const zx_handle_t handles[] = {process, vmar, vmo};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

/* --- process_map_vm: errors ------------------------------------------------------------------- */

#define UNTOUCHED 8 /* no address that could be mapped */

static void expect_no_map(mx_handle_t process, mx_handle_t vmo, uint32_t flags,
                          mx_status_t expected) {
    uintptr_t address = UNTOUCHED;
    EXPECT_STATUS(mx_process_map_vm(process, vmo, 0, PAGE, &address, flags), expected);
    EXPECT_EQUAL(address, UNTOUCHED);
}

TEST(mx_process_map_vm, unknown_flags_are_invalid_args_before_the_handles) {
    mx_handle_t vmo = create_vmo(1);
    CHECK(expect_no_map(mx_process_self(), vmo, READ | 1u << 31, ERR_INVALID_ARGS));
    CHECK(expect_no_map(stale_handle(), stale_handle(), READ | 1u << 31, ERR_INVALID_ARGS));
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

TEST(mx_process_map_vm, the_flag_dma_is_not_supported) {
    mx_handle_t vmo = create_vmo(1);
    CHECK(expect_no_map(mx_process_self(), vmo, READ | MX_VM_FLAG_DMA, ERR_NOT_SUPPORTED));
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

TEST(mx_process_map_vm, invalid_process_is_bad_handle) {
    mx_handle_t vmo = create_vmo(1);
    CHECK(expect_no_map(MX_HANDLE_INVALID, vmo, READ, ERR_BAD_HANDLE));
    CHECK(expect_no_map(stale_handle(), vmo, READ, ERR_BAD_HANDLE));
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

TEST(mx_process_map_vm, other_object_as_process_is_wrong_type) {
    mx_handle_t vmo = create_vmo(1);
    CHECK(expect_no_map(vmo, vmo, READ, ERR_WRONG_TYPE));
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

TEST(mx_process_map_vm, missing_write_right_of_the_process_is_access_denied) {
    mx_handle_t vmo = create_vmo(1);
    mx_handle_t poor = duplicate_without(mx_process_self(), MX_RIGHT_WRITE);
    CHECK(expect_no_map(poor, vmo, READ, ERR_ACCESS_DENIED));
    EXPECT_STATUS(mx_handle_close(poor), NO_ERROR);
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

TEST(mx_process_map_vm, invalid_vmo_is_bad_handle) {
    CHECK(expect_no_map(mx_process_self(), MX_HANDLE_INVALID, READ, ERR_BAD_HANDLE));
    CHECK(expect_no_map(mx_process_self(), stale_handle(), READ, ERR_BAD_HANDLE));
}

TEST(mx_process_map_vm, other_object_as_vmo_is_wrong_type) {
    CHECK(expect_no_map(mx_process_self(), mx_process_self(), READ, ERR_WRONG_TYPE));
}

TEST(mx_process_map_vm, permissions_that_the_vmos_handle_lacks_are_access_denied) {
    mx_handle_t vmo = create_vmo(1);
    mx_handle_t read_only = duplicate_without(vmo, MX_RIGHT_WRITE);
    CHECK(expect_no_map(mx_process_self(), read_only, READ_WRITE, ERR_ACCESS_DENIED));
    EXPECT_STATUS(mx_handle_close(read_only), NO_ERROR);
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

TEST(mx_process_map_vm, a_fixed_address_below_all_memory_is_invalid_args) {
    mx_handle_t vmo = create_vmo(1);
    CHECK(expect_no_map(mx_process_self(), vmo, READ | MX_VM_FLAG_FIXED, ERR_INVALID_ARGS));
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

static void give_bad_addresses(mx_handle_t vmo) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(mx_process_map_vm(mx_process_self(), vmo, 0, PAGE, bad[i], READ),
                      ERR_INVALID_ARGS);
}

TEST(mx_process_map_vm, bad_address_pointer_is_invalid_args_and_leaves_no_mapping) {
    mx_handle_t vmo = create_vmo(1);
    CHECK(give_bad_addresses(vmo)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(give_bad_addresses(vmo));
    CHECK(expect_no_leak(&before, 2));
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

/* --- process_protect_vm, process_unmap_vm: errors --------------------------------------------- */

/* The calls fail so for this process, address and size; the page stays as it was, and goes. */
static void expect_no_protect(mx_handle_t process, uintptr_t page, size_t offset, size_t size,
                              uint32_t protection, mx_status_t expected) {
    EXPECT_STATUS(mx_process_protect_vm(process, page + offset, size, protection), expected);
    EXPECT(is_writable(page));
    EXPECT_STATUS(mx_process_unmap_vm(mx_process_self(), page, PAGE), NO_ERROR);
}

static void expect_no_unmap(mx_handle_t process, uintptr_t page, size_t offset, size_t size,
                            mx_status_t expected) {
    EXPECT_STATUS(mx_process_unmap_vm(process, page + offset, size), expected);
    EXPECT(is_writable(page));
    EXPECT_STATUS(mx_process_unmap_vm(mx_process_self(), page, PAGE), NO_ERROR);
}

TEST(mx_process_protect_vm, unknown_flags_are_invalid_args) {
    CHECK(expect_no_protect(mx_process_self(), map_pages(1), 0, PAGE, 1u << 31, ERR_INVALID_ARGS));
}

TEST(mx_process_protect_vm, an_address_inside_a_page_is_invalid_args) {
    CHECK(expect_no_protect(mx_process_self(), map_pages(1), 1, PAGE, READ, ERR_INVALID_ARGS));
}

TEST(mx_process_protect_vm, a_size_of_0_is_invalid_args) {
    CHECK(expect_no_protect(mx_process_self(), map_pages(1), 0, 0, READ, ERR_INVALID_ARGS));
}

TEST(mx_process_protect_vm, invalid_handle_is_bad_handle) {
    CHECK(expect_no_protect(stale_handle(), map_pages(1), 0, PAGE, READ, ERR_BAD_HANDLE));
}

TEST(mx_process_protect_vm, other_object_is_wrong_type) {
    CHECK(expect_no_protect(zx_job_default(), map_pages(1), 0, PAGE, READ, ERR_WRONG_TYPE));
}

TEST(mx_process_protect_vm, missing_write_right_is_access_denied) {
    mx_handle_t poor = duplicate_without(mx_process_self(), MX_RIGHT_WRITE);
    CHECK(expect_no_protect(poor, map_pages(1), 0, PAGE, READ, ERR_ACCESS_DENIED));
    EXPECT_STATUS(mx_handle_close(poor), NO_ERROR);
}

TEST(mx_process_unmap_vm, an_address_inside_a_page_is_invalid_args) {
    CHECK(expect_no_unmap(mx_process_self(), map_pages(1), 1, PAGE, ERR_INVALID_ARGS));
}

TEST(mx_process_unmap_vm, a_size_of_0_is_invalid_args) {
    CHECK(expect_no_unmap(mx_process_self(), map_pages(1), 0, 0, ERR_INVALID_ARGS));
}

TEST(mx_process_unmap_vm, invalid_handle_is_bad_handle) {
    CHECK(expect_no_unmap(stale_handle(), map_pages(1), 0, PAGE, ERR_BAD_HANDLE));
}

TEST(mx_process_unmap_vm, other_object_is_wrong_type) {
    CHECK(expect_no_unmap(zx_job_default(), map_pages(1), 0, PAGE, ERR_WRONG_TYPE));
}

TEST(mx_process_unmap_vm, missing_write_right_is_access_denied) {
    mx_handle_t poor = duplicate_without(mx_process_self(), MX_RIGHT_WRITE);
    CHECK(expect_no_unmap(poor, map_pages(1), 0, PAGE, ERR_ACCESS_DENIED));
    EXPECT_STATUS(mx_handle_close(poor), NO_ERROR);
}

/* --- a process that has ended ----------------------------------------------------------------- */

TEST(mx_process_map_vm, of_an_ended_process_is_bad_state_for_each_call) {
    zx_handle_t process, vmar, vmo;
    uintptr_t address;
    EXPECT_OK(zx_process_create(zx_job_default(), "ended", 5, 0, &process, &vmar));
    EXPECT_STATUS(mx_vmo_create(PAGE, 0, &vmo), NO_ERROR);
    EXPECT_STATUS(mx_process_map_vm(process, vmo, 0, PAGE, &address, MX_VM_FLAG_PERM_READ),
                  NO_ERROR);
    EXPECT_OK(zx_task_kill(process));
    EXPECT(wait_for(process, ZX_PROCESS_TERMINATED, ZX_SEC(60)));
    uintptr_t untouched = address;
    EXPECT_STATUS(mx_process_map_vm(process, vmo, 0, PAGE, &address, MX_VM_FLAG_PERM_READ),
                  ERR_BAD_STATE);
    EXPECT_EQUAL(address, untouched);
    EXPECT_STATUS(mx_process_protect_vm(process, address, PAGE, 0), ERR_BAD_STATE);
    EXPECT_STATUS(mx_process_unmap_vm(process, address, PAGE), ERR_BAD_STATE);
    const zx_handle_t handles[] = {process, vmar, vmo};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}
