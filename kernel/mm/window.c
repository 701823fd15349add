#include <mm/window.h>

#include <abi/errors.h>
#include <mm/aspace.h>
#include <mm/mapping.h>
#include <mm/slab.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>

static struct slab_cache window_cache =
    SLAB_CACHE_INITIALIZER(window_cache, "window", sizeof(struct window));

/* The reference to the address space is taken last, when nothing can fail any more. Until then the
 * caller's reference is enough. */
zx_status_t window_create(struct aspace* aspace, struct vmo* vmo, uint32_t permissions, void* owner,
                          struct window** out) {
    struct window* window = slab_alloc(&window_cache);
    if (!window)
        return ZX_ERR_NO_MEMORY;
    *window = (struct window){aspace, 0, vmo_size(vmo), true, owner, NULL};
    const struct vmar_map_request request = {.options = permissions,
                                             .allowed = permissions,
                                             .vmo = vmo,
                                             .size = window->size,
                                             .mark = &window->is_whole};
    if (vmar_map(aspace->root, &request, &window->base) != ZX_OK) {
        slab_free(&window_cache, window);
        return ZX_ERR_NO_MEMORY;
    }
    aspace_reference(aspace);
    *out = window;
    return ZX_OK;
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

/* The mappings are freed after the unlock, because dropping a VMO may run its end. */
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
