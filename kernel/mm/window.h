/* Windows: mappings that the kernel makes for an object in a program's address space, and removes
 * for it.
 *
 * Rules for windows:
 * - A window stands in the root VMAR. The program may treat it like its own mappings: unmap it,
 *   even in part, protect it, or map something else in its place.
 * - So a window is a mark on mappings (mapping.mark), not a range of addresses. When a mapping is
 *   cut, both parts keep the mark.
 * - window_destroy removes the mappings that still have the mark, and no other mappings at these
 *   addresses. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <abi/types.h>
#include <lib/address.h>

struct aspace;
struct vmo;

struct window {
    struct aspace* aspace; /* a reference */
    virtual_address_t base;
    size_t size;
    _Atomic bool is_whole; /* the program has changed nothing; written under the aspace's lock */
    void* owner;           /* the object it was made for, borrowed */
    struct window* next;   /* for a list of windows that were taken from their owners */
};

/* Maps the whole VMO, with at most these permissions (ZX_VM_PERM_*). NO_MEMORY: also if there is no
 * place for it. No lock held. */
zx_status_t window_create(struct aspace* aspace, struct vmo* vmo, uint32_t permissions, void* owner,
                          struct window** out);
/* Unmaps what is left of the window and frees it. NULL is allowed. No lock held. */
void window_destroy(struct window* window);

static inline bool window_is_whole(const struct window* window) {
    return atomic_load_explicit(&window->is_whole, memory_order_relaxed);
}
