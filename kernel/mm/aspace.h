/* Address spaces: a tree of VMARs with mappings of VMOs in them, and the page tables.
 *
 * Rules for address spaces:
 * - Reference counted: each process holds a reference, and each VMAR handle's object.
 * - The lock is of class ASPACE. It guards the VMAR tree, the mappings and the page tables.
 * - Lock order: ASPACE, then VMO.
 * - A VMAR is reference counted too. Its parent (for the root, the address space) holds a reference
 *   while the VMAR is alive. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/memory.h>
#include <abi/types.h>
#include <arch/paging.h>

struct aspace;
struct vmar;
struct vmo;
struct page_fault;

zx_status_t aspace_create(struct aspace** out); /* NO_MEMORY */
void aspace_reference(struct aspace* aspace);
/* For a caller that finds the address space without holding a reference. False: the last reference
 * is gone, and it is being destroyed. */
bool aspace_try_reference(struct aspace* aspace);
void aspace_release(struct aspace* aspace);
/* Unmaps everything now. From here on all VMARs of the address space are dead. */
void aspace_destroy_mappings(struct aspace* aspace);
/* Allows memory that is writable and executable at once. The address space may also map a VMO for
 * writing while others execute it, or the reverse. Called before the process runs, if its job's
 * policy says so. */
void aspace_allow_wx(struct aspace* aspace);
/* The page table is the first member of struct aspace. */
static inline struct page_table* aspace_page_table(struct aspace* aspace) {
    return (struct page_table*)aspace;
}
struct vmar* aspace_root(struct aspace* aspace); /* borrowed */
/* Resolves a page fault. False: the access is not legal, or there is no memory. */
bool aspace_fault(struct aspace* aspace, const struct page_fault* fault);

/* See the rules above. */
void vmar_reference(struct vmar* vmar);
void vmar_release(struct vmar* vmar);
/* The options that the calls accept; others are INVALID_ARGS. */
#define VMAR_PERMISSIONS (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)
#define VMAR_CAPABILITIES \
    (ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE)
#define VMAR_MAP_OPTIONS \
    (VMAR_PERMISSIONS | ZX_VM_COMPACT | ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_MAP_RANGE)
#define VMAR_ALLOCATE_OPTIONS (VMAR_CAPABILITIES | ZX_VM_COMPACT | ZX_VM_SPECIFIC)

/* SPECIFIC_OVERWRITE and MAP_RANGE exclude each other: an overwrite is one step, bringing in pages
 * is many. */
static inline bool vmar_map_options_are_valid(uint32_t options) {
    const uint32_t exclusive = ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_MAP_RANGE;
    return !(options & ~VMAR_MAP_OPTIONS) && (options & exclusive) != exclusive;
}

/* Maps `size` bytes of the VMO, rounded up to whole pages, in a random place unless SPECIFIC. Pages
 * past the VMO's end are mapped too, and every access to them faults. `permissions_allowed`
 * (ZX_VM_PERM_*) limits what vmar_protect may give later. The errors, in the order of the checks:
 *   INVALID_ARGS   bad options, size 0, broken pages, offsets in the VMO that wrap around
 *   ACCESS_DENIED  the VMAR or `permissions_allowed` do not allow it
 *   INVALID_ARGS   permissions that make no sense; not all inside the VMAR
 *   ACCESS_DENIED  write and execute at once, unless aspace_allow_wx
 *   BAD_STATE      the VMAR was destroyed
 *   NO_MEMORY      also: the place is occupied, or there is none
 *   ACCESS_DENIED  the VMO would be both written and executed, unless aspace_allow_wx */
zx_status_t vmar_map(struct vmar* vmar, uint32_t options, uint32_t permissions_allowed,
                     size_t vmar_offset, struct vmo* vmo, uint64_t vmo_offset, size_t size,
                     virtual_address_t* mapped);
zx_status_t vmar_unmap(struct vmar* vmar, virtual_address_t address, size_t size);
/* Changes the permissions of all mappings in the range, also those in VMARs inside this one.
 * NOT_FOUND: a part of the range is not mapped. ACCESS_DENIED as for vmar_map. On an error nothing
 * has changed. */
zx_status_t vmar_protect(struct vmar* vmar, uint32_t options, virtual_address_t address,
                         size_t size);
/* Makes a VMAR of whole pages inside this one. The errors are those of vmar_map. */
zx_status_t vmar_allocate(struct vmar* vmar, uint32_t options, size_t offset, size_t size,
                          struct vmar** child, virtual_address_t* child_address);
zx_status_t vmar_destroy(struct vmar* vmar);
virtual_address_t vmar_base(const struct vmar* vmar);
size_t vmar_size(const struct vmar* vmar);
