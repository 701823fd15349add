#include <mm/window.h>

#include <abi/errors.h>
#include <mm/aspace.h>
#include <mm/mapping.h>
#include <mm/placement.h>
#include <mm/slab.h>
#include <mm/vmar_internal.h>
#include <mm/vmo.h>

static struct slab_cache window_cache =
    SLAB_CACHE_INITIALIZER(window_cache, "window", sizeof(struct window));

static virtual_address_t map_window_locked(struct aspace* aspace, struct mapping* fresh,
                                           struct vmo* vmo, uint32_t permissions,
                                           struct window* window) {
    struct vmar* root = aspace->root;
    size_t size = vmo_size(vmo);
    virtual_address_t base = vmar_is_alive_locked(root) ? vmar_place_locked(root, size, false) : 0;
    if (!base)
        return 0;
    const struct mapping_shape shape = {
        .base = base, .size = size, .vmo = vmo, .permissions = permissions, .allowed = permissions};
    mapping_fill_in(fresh, root, &shape);
    fresh->mark = &window->is_whole;
    if (!mapping_announce_locked(fresh, &(struct mapping_counts){0}))
        return 0; /* W^X: another mapping executes the VMO */
    mapping_insert_locked(fresh);
    return base;
}

/* Everything is allocated before the lock is taken. The reference to the address space is taken
 * last, when nothing can fail any more; the caller has one until then. */
zx_status_t window_create(struct aspace* aspace, struct vmo* vmo, uint32_t permissions, void* owner,
                          struct window** out) {
    struct mapping* fresh = mapping_alloc();
    if (!fresh)
        return ZX_ERR_NO_MEMORY;
    struct window* window = slab_alloc(&window_cache);
    if (!window)
        goto free_mapping;
    *window = (struct window){.aspace = aspace, .size = vmo_size(vmo), .owner = owner};
    atomic_init(&window->is_whole, true);
    spin_lock(&aspace->lock);
    window->base = map_window_locked(aspace, fresh, vmo, permissions, window);
    spin_unlock(&aspace->lock);
    if (!window->base)
        goto free_window;
    aspace_reference(aspace);
    *out = window;
    return ZX_OK;

free_window:
    slab_free(&window_cache, window);
free_mapping:
    mapping_free(fresh);
    return ZX_ERR_NO_MEMORY;
}

/* Mappings never move, so the pieces are still in the window's range, in the root VMAR. */
static void unmap_window_locked(const struct window* window, struct list* dead) {
    const struct vmar* root = window->aspace->root;
    virtual_address_t end = window->base + window->size;
    for (virtual_address_t at = window->base; at < end;) {
        struct region* region = vmar_region_from(root, at);
        if (!region)
            return;
        at = region_end(region);
        if (region->kind == REGION_MAPPING && mapping_from(region)->mark == &window->is_whole)
            mapping_remove_locked(mapping_from(region), dead);
    }
}

/* The mappings are freed after the unlock: dropping a VMO may run its end. */
void window_destroy(struct window* window) {
    struct list dead = LIST_INITIALIZER(dead);
    if (!window)
        return;
    spin_lock(&window->aspace->lock);
    unmap_window_locked(window, &dead);
    spin_unlock(&window->aspace->lock);
    mapping_bury(&dead);
    aspace_release(window->aspace);
    slab_free(&window_cache, window);
}
