/* The private half of vmar.h, for kernel/mm only. A function that ends in _locked is called with
 * the address space's lock held. */
#pragma once

#include <abi/errors.h>
#include <mm/mapping_counts.h>
#include <mm/region.h>
#include <mm/vmar.h>

/* Makes a VMAR that is in no tree yet, with one reference. `capabilities`: ZX_VM_CAN_MAP_*. NULL:
 * no memory. */
struct vmar* vmar_create(struct aspace* aspace, uint32_t capabilities, virtual_address_t end,
                         size_t size);
/* Returns the mapping that contains `address`, in the VMAR or in a VMAR inside it; NULL: there is
 * none. */
struct mapping* vmar_mapping_at_locked(struct vmar* vmar, virtual_address_t address);
/* Returns the first mapping in `vmar` that has a part of [address, end). Mappings may be deep
 * inside `vmar`, so the search begins in `at`: `vmar`, or a VMAR inside it that contains `address`
 * or ends there. */
struct mapping* vmar_next_mapping_locked(struct vmar* vmar, struct vmar* at,
                                         virtual_address_t address, virtual_address_t end);
/* Takes everything out of the VMAR, and then the VMAR itself. Mappings go to the list `dead`; VMARs
 * are dead from then on. */
void vmar_remove_locked(struct vmar* vmar, struct list* dead);
/* vmar_remove_locked in pieces. `*at`, at first `vmar`, is the VMAR at which the next call
 * continues. No other code may take VMARs out of the tree meanwhile. False: all is done, and *at is
 * NULL. */
bool vmar_remove_some_locked(struct vmar* vmar, struct vmar** at, struct list* dead,
                             int64_t* units);
/* False: the VMAR was destroyed, or its address space is being destroyed. */
static inline bool vmar_is_alive_locked(const struct vmar* vmar) {
    return vmar->is_alive && !vmar->aspace->is_dead;
}

/* Checks a range that will be changed. BAD_STATE: the VMAR is dead. INVALID_ARGS: it does not
 * contain the range. */
static inline zx_status_t vmar_check_range_locked(const struct vmar* vmar,
                                                  virtual_address_t address, size_t size) {
    if (!vmar_is_alive_locked(vmar))
        return ZX_ERR_BAD_STATE;
    return region_contains(&vmar->region, address, size) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* ACCESS_DENIED: more permissions than `allowed`, or writing and executing at once. INVALID_ARGS:
 * x86 has no such pages. A missing right is reported before permissions that make no sense: x86
 * cannot write or execute what it cannot read. */
static inline zx_status_t vmar_check_permissions(const struct vmar* vmar, uint32_t permissions,
                                                 uint32_t allowed) {
    if (permissions & ~allowed)
        return ZX_ERR_ACCESS_DENIED;
    if (permissions != 0 && !(permissions & ZX_VM_PERM_READ))
        return ZX_ERR_INVALID_ARGS;
    bool is_both = (permissions & COUNTED_PERMISSIONS) == COUNTED_PERMISSIONS;
    return is_both && !vmar->aspace->is_wx_allowed ? ZX_ERR_ACCESS_DENIED : ZX_OK;
}
