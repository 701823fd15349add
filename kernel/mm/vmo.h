/* VMOs: runs of pages that programs map, read and write. The kinds:
 *
 * - demand-zero: a page appears when it is touched;
 * - copy-on-write clone: shares its parent's pages until one of the two writes;
 * - physical: memory that the page allocator does not own, as devices and the boot archive.
 *
 * Rules for VMOs:
 * - Reference counted; each mapping holds a reference.
 * - Each VMO, a clone too, has a lock of its own, of class VMO. No operation takes two of them.
 * - VMOs share nothing but pages, which are counted atomically (vmo_fork.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/address.h>

struct vmo;
struct page;

/* Sizes are rounded up to whole pages; 0 is allowed. OUT_OF_RANGE: more than a terabyte. NO_MEMORY.
 */
zx_status_t vmo_create(uint64_t size, struct vmo** out);
zx_status_t vmo_create_physical(physical_address_t address, uint64_t size, struct vmo** out);
void vmo_reference(struct vmo* vmo);
void vmo_release(struct vmo* vmo);
/* vmo_release in pieces. True: it was the last reference, and there is more to free; call it again.
 * False: the reference is gone. */
bool vmo_release_some(struct vmo* vmo, int64_t* units);
/* A notification that the last reference to a VMO is gone. `on_end` runs with no lock held. */
struct vmo_end {
    void (*on_end)(struct vmo_end* end);
};
/* Called before another thread knows the VMO. */
void vmo_set_end(struct vmo* vmo, struct vmo_end* end);

uint64_t vmo_size(const struct vmo* vmo);

/* Returns the address of page `index`, which is allocated if it was not there. NULL: no memory.
 * Only for a VMO without clones that no program has a handle to: its pages stay where they are. */
void* vmo_page_address(struct vmo* vmo, size_t index);
