/* Helpers of the calls that map memory, shared by 2018 and 2016. */
#pragma once

#include <abi/errors.h>
#include <abi/limits.h>
#include <abi/rights.h>
#include <lib/compiler.h>
#include <mm/vmar.h>
#include <mm/vmar_map.h>
#include <task/process.h>
#include <syscall/user_pointer.h>

/* Returns the permissions that a handle's rights allow for a mapping. */
static inline uint32_t vmar_permissions_of(zx_rights_t rights) {
    return (rights & ZX_RIGHT_READ ? ZX_VM_PERM_READ : 0) |
           (rights & ZX_RIGHT_WRITE ? ZX_VM_PERM_WRITE : 0) |
           (rights & ZX_RIGHT_EXECUTE ? ZX_VM_PERM_EXECUTE : 0);
}

/* A job's policy may kill a process that asks for a writable and executable mapping, so the caller
 * must hold no references. The address space that is mapped to decides whether such a mapping is
 * denied (vmar_map). */
static inline void vmar_obey_policy(uint32_t permissions) {
    const uint32_t both = ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE;
    if ((permissions & both) == both) {
        zx_status_t is_allowed = process_check_policy(ZX_POL_VMAR_WX);
        (void)is_allowed;
    }
}

/* vmar_map for the calling process; writes the address to user memory at `out`. INVALID_ARGS also
 * if `out` is bad; then nothing is mapped. */
static inline zx_status_t vmar_map_out(struct vmar* vmar, const struct vmar_map_request* request,
                                       uintptr_t out) {
    if ((request->options & VMAR_PERMISSIONS) & ~request->allowed)
        return ZX_ERR_ACCESS_DENIED;
    if (!user_fault_in(out, sizeof(zx_vaddr_t), true))
        return ZX_ERR_INVALID_ARGS;
    virtual_address_t mapped;
    zx_status_t status = vmar_map(vmar, request, &mapped);
    if (status != ZX_OK)
        return status;
    if (user_write_bytes(out, &mapped, sizeof(mapped)))
        return ZX_OK;
    (void)vmar_unmap(vmar, mapped, ALIGN_UP(request->size, (size_t)PAGE_SIZE_BYTES));
    return ZX_ERR_INVALID_ARGS;
}
