/* Copy-on-write clones of VMOs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/types.h>

struct vmo;

/* Makes a snapshot. Each page of the clone is the parent's page as it was at one moment during the
 * call. Writes to the parent that ended before the call are in the clone; writes that begin after
 * it are not. Different pages may be of different moments. Pages beyond the parent's end are zero.
 * INVALID_ARGS: `offset` is not whole pages. CANCELED: the thread was killed. */
zx_status_t vmo_create_clone(struct vmo* parent, uint64_t offset, uint64_t size, struct vmo** out);

/* For kernel/mm: takes one step towards a page at `index` that only this VMO has; the caller then
 * looks at the page again. NO_MEMORY; CANCELED: the thread was killed. No lock held. It waits for
 * no other thread. */
zx_status_t vmo_fork_page(struct vmo* vmo, size_t index);
