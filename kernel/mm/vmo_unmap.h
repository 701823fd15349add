/* Taking pages of a VMO out of all page tables, for kernel/mm only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <lib/compiler.h>

struct vmo;

/* Takes the pages [first, first + count) of the VMO out of all page tables, so that the
 * next access faults. False: the thread was killed, and some mappings were left out. No lock held.
 */
MUST_CHECK bool vmo_unmap_everywhere(struct vmo* vmo, size_t first, size_t count);
