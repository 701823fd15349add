/* What the memory calls answer to handles that are wrong, or whose memory has ended, in all
 * generations. Each case checks that nothing was written or mapped. */
#include <objects.h>
#include <test.h>

#include <magenta/process.h>
#include <magenta/syscalls.h>
#include <zircon/process.h>

#include "reach.h"

#define PAGE PAGE_SIZE_BYTES

/* --- VMOs ------------------------------------------------------------------------------------- */

TEST(zx_vmo_get_size, faults_of_the_handle) {
    uint64_t size = 5;
    EXPECT_STATUS(zx_vmo_get_size(stale_handle(), &size), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_vmo_get_size(zx_process_self(), &size), ZX_ERR_WRONG_TYPE);
    EXPECT_EQUAL(size, 5);
}

TEST(zx_vmo_clone, of_no_vmo_is_wrong_type) {
    zx_handle_t clone = 5;
    EXPECT_STATUS(zx_vmo_clone(zx_process_self(), ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE, &clone),
                  ZX_ERR_WRONG_TYPE);
    EXPECT_EQUAL(clone, 5);
}

TEST(zx_vmo_clone, absurd_size_is_out_of_range_and_the_original_has_no_child) {
    zx_handle_t vmo, clone = 5;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_STATUS(zx_vmo_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 0, UINT64_MAX, &clone),
                  ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQUAL(clone, 5);
    EXPECT(object_signals(vmo) & ZX_VMO_ZERO_CHILDREN);
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(mx_vmo_read, faults_of_the_handle) {
    char byte = 'u';
    size_t actual = 5;
    EXPECT_STATUS(mx_vmo_read(stale_handle(), &byte, 0, 1, &actual), MX_ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_vmo_read(mx_process_self(), &byte, 0, 1, &actual), MX_ERR_WRONG_TYPE);
    EXPECT_EQUAL(byte, 'u');
    EXPECT_EQUAL(actual, 5);
}

TEST(mx_vmo_write, faults_of_the_handle) {
    size_t actual = 5;
    EXPECT_STATUS(mx_vmo_write(stale_handle(), "w", 0, 1, &actual), MX_ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_vmo_write(mx_process_self(), "w", 0, 1, &actual), MX_ERR_WRONG_TYPE);
    EXPECT_EQUAL(actual, 5);
}

/* --- VMARs ------------------------------------------------------------------------------------ */

TEST(zx_vmar_protect, of_no_vmar_is_wrong_type) {
    EXPECT_STATUS(zx_vmar_protect(zx_process_self(), ZX_VM_PERM_READ, 0x10000, PAGE),
                  ZX_ERR_WRONG_TYPE);
}

TEST(zx_vmar_destroy, faults_of_the_handle) {
    EXPECT_STATUS(zx_vmar_destroy(stale_handle()), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_vmar_destroy(zx_process_self()), ZX_ERR_WRONG_TYPE);
}

TEST(zx_vmar_destroy, afterwards_each_call_on_it_is_bad_state) {
    zx_handle_t vmar, vmo, child = 5;
    zx_vaddr_t base, address = 7;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ, 0, 4 * PAGE, &vmar, &base));
    EXPECT_OK(zx_vmar_destroy(vmar));
    EXPECT_STATUS(zx_vmar_map(vmar, ZX_VM_PERM_READ, 0, vmo, 0, PAGE, &address), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_allocate(vmar, ZX_VM_CAN_MAP_READ, 0, PAGE, &child, &address),
                  ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_protect(vmar, ZX_VM_PERM_READ, base, PAGE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_unmap(vmar, base, PAGE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_vmar_destroy(vmar), ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(child, 5);
    EXPECT_EQUAL(address, 7);
    EXPECT(!is_readable(base));
    EXPECT_OK(zx_handle_close(vmar));
    EXPECT_OK(zx_handle_close(vmo));
}

/* --- 2016: the memory of a process ------------------------------------------------------------ */

TEST(mx_process_map_vm, faults_of_both_handles) {
    mx_handle_t vmo, self = mx_process_self();
    uintptr_t address = 8;
    EXPECT_STATUS(mx_vmo_create(PAGE, 0, &vmo), NO_ERROR);
    EXPECT_STATUS(mx_process_map_vm(stale_handle(), vmo, 0, PAGE, &address, MX_VM_FLAG_PERM_READ),
                  ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_process_map_vm(self, stale_handle(), 0, PAGE, &address, MX_VM_FLAG_PERM_READ),
                  ERR_BAD_HANDLE);
    EXPECT_EQUAL(address, 8);
    EXPECT_STATUS(mx_handle_close(vmo), NO_ERROR);
}

/* A page of ours, which no failed call may take away. */
static uintptr_t map_page(void) {
    mx_handle_t vmo;
    uintptr_t address = 0;
    if (mx_vmo_create(PAGE, 0, &vmo) == NO_ERROR) {
        mx_process_map_vm(mx_process_self(), vmo, 0, PAGE, &address,
                          MX_VM_FLAG_PERM_READ | MX_VM_FLAG_PERM_WRITE);
        mx_handle_close(vmo);
    }
    return address;
}

TEST(mx_process_protect_vm, faults_change_nothing) {
    uintptr_t page = map_page();
    mx_handle_t self = mx_process_self();
    EXPECT_STATUS(mx_process_protect_vm(self, page, PAGE, 1u << 31), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_process_protect_vm(self, page + 1, PAGE, 0), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_process_protect_vm(self, page, 0, 0), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_process_protect_vm(stale_handle(), page, PAGE, 0), ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_process_protect_vm(zx_job_default(), page, PAGE, 0), ERR_WRONG_TYPE);
    EXPECT(is_writable(page));
    EXPECT_STATUS(mx_process_unmap_vm(self, page, PAGE), NO_ERROR);
}

TEST(mx_process_unmap_vm, faults_change_nothing) {
    uintptr_t page = map_page();
    mx_handle_t self = mx_process_self();
    EXPECT_STATUS(mx_process_unmap_vm(self, page + 1, PAGE), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_process_unmap_vm(self, page, 0), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_process_unmap_vm(stale_handle(), page, PAGE), ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_process_unmap_vm(zx_job_default(), page, PAGE), ERR_WRONG_TYPE);
    EXPECT(is_writable(page));
    EXPECT_STATUS(mx_process_unmap_vm(self, page, PAGE), NO_ERROR);
}

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
