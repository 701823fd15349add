/* W^X (write or execute, never both) for a whole VMO. While any address space maps a VMO
 * executable, no mapping of it may become writable, and the reverse.
 *
 * Each VMO counts its writable and its executable mappings, under its lock:
 * 1. A mapping is counted in the same step that finds no mapping of the other kind, before the page
 *    tables can show it.
 * 2. A mapping stays counted until it is out of the page tables and of every TLB. So of two CPUs
 *    that want both kinds at once, one is refused. An address space that may write and execute
 *    (aspace_allow_wx) is not refused, but its mappings count.
 *
 * A call may turn a VMO's mappings from one kind into the other. Its own old mappings must not make
 * it fail. So it passes the counts of the mappings that it will remove as `leaving`. It removes
 * them before the page tables can show the new ones. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/memory.h>

struct mapping_counts {
    size_t writable;
    size_t executable;
};

/* Only these permissions are counted. */
#define COUNTED_PERMISSIONS (ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)

/* Adds `change` to the counts of mappings with these permissions; `change` may be negative. */
static inline void mapping_counts_add(struct mapping_counts* counts, uint32_t permissions,
                                      ptrdiff_t change) {
    if (permissions & ZX_VM_PERM_WRITE)
        counts->writable += (size_t)change;
    if (permissions & ZX_VM_PERM_EXECUTE)
        counts->executable += (size_t)change;
}

/* Whether mappings may gain these permissions. */
static inline bool mapping_counts_allow(const struct mapping_counts* counts, uint32_t gained,
                                        const struct mapping_counts* leaving) {
    if ((gained & ZX_VM_PERM_WRITE) && counts->executable > leaving->executable)
        return false;
    return !(gained & ZX_VM_PERM_EXECUTE) || counts->writable == leaving->writable;
}
