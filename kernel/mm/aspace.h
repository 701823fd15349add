/* An address space: a tree of VMARs with mappings of VMOs in them, and the page tables.
 *
 * Reference counted: each process holds one, each VMAR handle's object holds one. The lock is
 * ASPACE; it guards the VMAR tree, the mappings and the page tables. Lock order: ASPACE, then VMO.
 */
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
/* For who finds it without one; false: it is on its way to destruction. */
bool aspace_try_reference(struct aspace* aspace);
void aspace_release(struct aspace* aspace);
/* Unmaps everything and frees the page tables now; the VMARs are dead from here on. */
void aspace_destroy_mappings(struct aspace* aspace);
/* Lets the address space map memory writable and executable at once, and map a VMO for writing
 * while others execute it, or the reverse. For a process whose job's policy says so, before it
 * runs. */
void aspace_allow_wx(struct aspace* aspace);
/* struct aspace begins with them. */
static inline struct page_table* aspace_page_table(struct aspace* aspace) {
    return (struct page_table*)aspace;
}
struct vmar* aspace_root(struct aspace* aspace); /* borrowed */
/* Resolves a fault at `address`; false: not a legal access (or no memory). */
bool aspace_fault(struct aspace* aspace, const struct page_fault* fault);

/* VMARs are reference counted; the parent (or aspace) holds one while it is alive. */
void vmar_reference(struct vmar* vmar);
void vmar_release(struct vmar* vmar);
/* The options that the calls know; they refuse others with INVALID_ARGS. */
#define VMAR_PERMISSIONS (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)
#define VMAR_CAPABILITIES \
    (ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE)
#define VMAR_MAP_OPTIONS \
    (VMAR_PERMISSIONS | ZX_VM_COMPACT | ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_MAP_RANGE)
#define VMAR_ALLOCATE_OPTIONS (VMAR_CAPABILITIES | ZX_VM_COMPACT | ZX_VM_SPECIFIC)

/* SPECIFIC_OVERWRITE and MAP_RANGE together: an overwrite is one step, bringing in is many. */
static inline bool vmar_map_options_are_valid(uint32_t options) {
    const uint32_t exclusive = ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_MAP_RANGE;
    return !(options & ~VMAR_MAP_OPTIONS) && (options & exclusive) != exclusive;
}

/* Maps `size` bytes of the VMO, rounded up to pages, in a random place unless SPECIFIC. What of it
 * lies past the VMO's end is mapped too, and every access there faults. `permissions_allowed`
 * (ZX_VM_PERM_*) caps what vmar_protect may later give. The errors, in the order of the checks:
 *   INVALID_ARGS   bad options, size 0, broken pages, offsets in the VMO that wrap around
 *   ACCESS_DENIED  the VMAR or `permissions_allowed` do not allow it
 *   INVALID_ARGS   permissions that make no sense; not all inside the VMAR
 *   ACCESS_DENIED  write and execute at once, unless aspace_allow_wx
 *   BAD_STATE      the VMAR was destroyed
 *   NO_MEMORY      also: the place is occupied, or there is none
 *   ACCESS_DENIED  to write a VMO that is mapped to be executed, or the reverse; likewise */
zx_status_t vmar_map(struct vmar* vmar, uint32_t options, uint32_t permissions_allowed,
                     size_t vmar_offset, struct vmo* vmo, uint64_t vmo_offset, size_t size,
                     virtual_address_t* mapped);
zx_status_t vmar_unmap(struct vmar* vmar, virtual_address_t address, size_t size);
/* Of all that is mapped in the range, also in VMARs inside this one. NOT_FOUND: not all of it is.
 * ACCESS_DENIED as for vmar_map; then nothing has changed. */
zx_status_t vmar_protect(struct vmar* vmar, uint32_t options, virtual_address_t address,
                         size_t size);
/* A VMAR inside this one, of whole pages; the errors are those of vmar_map. */
zx_status_t vmar_allocate(struct vmar* vmar, uint32_t options, size_t offset, size_t size,
                          struct vmar** child, virtual_address_t* child_address);
zx_status_t vmar_destroy(struct vmar* vmar);
virtual_address_t vmar_base(const struct vmar* vmar);
size_t vmar_size(const struct vmar* vmar);
