/* Windows: mappings that the kernel makes for an object in a program's address space, and takes
 * away again when the object says so.
 *
 * They stand in the root VMAR, and the program may treat them like its own mappings: unmap them,
 * in part too, protect them, map something else in their place. So a window is no range of
 * addresses but a mark on mappings, which their pieces inherit: what window_destroy removes is what
 * still carries it, never what stands there by now. */
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
    struct window* next;   /* for whoever has taken it off its owner */
};

/* Maps all of the VMO, with these permissions (ZX_VM_PERM_*) at most. NO_MEMORY: also when there is
 * no place for it. No lock held. */
zx_status_t window_create(struct aspace* aspace, struct vmo* vmo, uint32_t permissions, void* owner,
                          struct window** out);
/* Unmaps what is left of it and frees it. NULL allowed. No lock held. */
void window_destroy(struct window* window);

static inline bool window_is_whole(const struct window* window) {
    return atomic_load_explicit(&window->is_whole, memory_order_relaxed);
}
