/* VMARs: parts of an address space, which programs divide among themselves. vmar_map.h puts
 * mappings into them, protect.h changes their permissions.
 *
 * Rules for VMARs:
 * - The lock of the address space guards them all (aspace.h).
 * - A VMAR is reference counted. Its parent (for the root, the address space) holds a reference
 *   while the VMAR is alive. */
#pragma once

#include <abi/memory.h>
#include <abi/types.h>
#include <lib/address.h>

struct vmar;

#define VMAR_PERMISSIONS (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)
#define VMAR_CAPABILITIES \
    (ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE)

void vmar_reference(struct vmar* vmar);
void vmar_release(struct vmar* vmar);
/* Takes out everything in the VMAR, and then the VMAR itself. BAD_STATE: it was destroyed
 * before. */
zx_status_t vmar_destroy(struct vmar* vmar);
virtual_address_t vmar_base(const struct vmar* vmar);
