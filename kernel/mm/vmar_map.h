/* Putting mappings and VMARs into a VMAR, and taking mappings out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm/vmar.h>

struct vmo;

/* The options that the calls accept; others are INVALID_ARGS. */
#define VMAR_MAP_OPTIONS \
    (VMAR_PERMISSIONS | ZX_VM_COMPACT | ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_MAP_RANGE)
#define VMAR_ALLOCATE_OPTIONS (VMAR_CAPABILITIES | ZX_VM_COMPACT | ZX_VM_SPECIFIC)

/* SPECIFIC_OVERWRITE and MAP_RANGE exclude each other: an overwrite is one step, but the pages come
 * in many steps. */
static inline bool vmar_map_options_are_valid(uint32_t options) {
    const uint32_t exclusive = ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_MAP_RANGE;
    return !(options & ~VMAR_MAP_OPTIONS) && (options & exclusive) != exclusive;
}

struct vmar_map_request {
    uint32_t options; /* VMAR_MAP_OPTIONS */
    uint32_t allowed; /* ZX_VM_PERM_*: limits what vmar_protect may give later */
    size_t vmar_offset;
    struct vmo* vmo;
    uint64_t vmo_offset;
    size_t size; /* is rounded up to whole pages */
    /* For a window (window.h): becomes false when the program changes the mapping. Else NULL. */
    _Atomic bool* mark;
};

/* Maps the VMO in a random place unless SPECIFIC. Pages past the VMO's end are mapped too, and
 * every access to them faults. The errors, in the order of the checks:
 *   INVALID_ARGS   bad options, size 0, broken pages, offsets in the VMO that wrap around
 *   ACCESS_DENIED  the VMAR or `allowed` do not allow it
 *   INVALID_ARGS   permissions that make no sense; not all inside the VMAR
 *   ACCESS_DENIED  write and execute at once, unless aspace_allow_wx
 *   BAD_STATE      the VMAR was destroyed
 *   NO_MEMORY      also: the place is occupied, or there is none
 *   ACCESS_DENIED  the VMO would be both written and executed, unless aspace_allow_wx */
zx_status_t vmar_map(struct vmar* vmar, const struct vmar_map_request* request,
                     virtual_address_t* mapped);
zx_status_t vmar_unmap(struct vmar* vmar, virtual_address_t address, size_t size);
/* Makes a VMAR of whole pages inside this one. The errors are those of vmar_map. */
zx_status_t vmar_allocate(struct vmar* vmar, uint32_t options, size_t offset, size_t size,
                          struct vmar** child, virtual_address_t* child_address);
