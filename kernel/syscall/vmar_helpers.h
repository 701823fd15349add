/* What the calls that map memory, of 2018 and of 2016, have in common. */
#pragma once

#include <abi/memory.h>
#include <abi/rights.h>
#include <abi/types.h>

struct vmar;
struct vmo;

/* What a handle's rights let a mapping be. */
static inline uint32_t vmar_permissions_of(zx_rights_t rights) {
    return (rights & ZX_RIGHT_READ ? ZX_VM_PERM_READ : 0) |
           (rights & ZX_RIGHT_WRITE ? ZX_VM_PERM_WRITE : 0) |
           (rights & ZX_RIGHT_EXECUTE ? ZX_VM_PERM_EXECUTE : 0);
}

/* vmar_map for the calling process, and the address goes to user memory at `out`. INVALID_ARGS
 * also: `out` is bad; then nothing is mapped. */
zx_status_t vmar_map_out(struct vmar* vmar, uint32_t options, uint32_t allowed, size_t vmar_offset,
                         struct vmo* vmo, uint64_t vmo_offset, size_t size, uintptr_t out);
