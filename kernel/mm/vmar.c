#include <mm/vmar.h>

#include <abi/errors.h>
#include <arch/cpu.h>
#include <lib/units.h>
#include <mm/mapping.h>
#include <mm/slab.h>
#include <mm/vmar_internal.h>

static struct slab_cache vmar_cache =
    SLAB_CACHE_INITIALIZER(vmar_cache, "VMAR", sizeof(struct vmar));

/* --- life ------------------------------------------------------------------------------------ */

struct vmar* vmar_create(struct aspace* aspace, uint32_t capabilities, virtual_address_t end,
                         size_t size) {
    struct vmar* vmar = slab_alloc(&vmar_cache);
    if (vmar)
        *vmar = (struct vmar){
            .region = {.node.key = end, .size = size, .kind = REGION_VMAR},
            .references = 1,
            .aspace = aspace,
            .capabilities = capabilities,
            .is_alive = true,
            .children = {.random = (uint32_t)cpu_random()},
        };
    return vmar;
}

void vmar_reference(struct vmar* vmar) {
    atomic_fetch_add_explicit(&vmar->references, 1, memory_order_relaxed);
}

void vmar_release(struct vmar* vmar) {
    if (atomic_fetch_sub_explicit(&vmar->references, 1, memory_order_acq_rel) == 1)
        slab_free(&vmar_cache, vmar);
}

/* Takes an empty VMAR out of its parent, and drops the tree's reference to it. The root has
 * none. */
static void take_region_out_locked(struct vmar* vmar) {
    struct vmar* parent = vmar->region.parent;
    vmar->is_alive = false;
    if (!parent)
        return;
    tree_remove(&parent->children, &vmar->region.node);
    vmar_release(vmar);
}

/* VMARs may be nested very deeply, so this is a loop. It goes down to a VMAR without children,
 * takes it out of its parent, and goes on there. Of many children it takes the root of their tree,
 * which need not be searched for. */
bool vmar_remove_some_locked(struct vmar* vmar, struct vmar** at, struct list* dead,
                             int64_t* units) {
    while (*at && *units > 0) {
        struct vmar* inner = *at;
        struct region* child = region_from(inner->children.root);
        *units -= 1;
        if (!child) {
            *at = inner == vmar ? NULL : inner->region.parent;
            take_region_out_locked(inner);
        } else if (child->kind == REGION_VMAR) {
            *at = vmar_from(child);
        } else {
            mapping_remove_some_locked(mapping_from(child), dead, units);
        }
    }
    return *at;
}

void vmar_remove_locked(struct vmar* vmar, struct list* dead) {
    struct vmar* at = vmar;
    int64_t units = UNITS_WITHOUT_END;
    (void)vmar_remove_some_locked(vmar, &at, dead, &units);
}

/* The caller has a reference of its own. */
zx_status_t vmar_destroy(struct vmar* vmar) {
    struct list dead = LIST_INITIALIZER(dead);
    struct aspace* aspace = vmar->aspace;
    spin_lock(&aspace->lock);
    bool was_alive = vmar_is_alive_locked(vmar);
    if (was_alive)
        vmar_remove_locked(vmar, &dead);
    spin_unlock(&aspace->lock);
    mapping_bury(&dead);
    return was_alive ? ZX_OK : ZX_ERR_BAD_STATE;
}

virtual_address_t vmar_base(const struct vmar* vmar) {
    return region_base(&vmar->region);
}

/* --- looking ---------------------------------------------------------------------------------- */

struct mapping* vmar_mapping_at_locked(struct vmar* vmar, virtual_address_t address) {
    for (;;) {
        struct region* region = vmar_region_from(vmar, address);
        if (!region || region_base(region) > address)
            return NULL;
        if (region->kind == REGION_MAPPING)
            return mapping_from(region);
        vmar = vmar_from(region);
    }
}

struct mapping* vmar_next_mapping_locked(struct vmar* vmar, struct vmar* at,
                                         virtual_address_t address, virtual_address_t end) {
    while (address < end) {
        struct region* region = vmar_region_from(at, address);
        if (region && region->kind == REGION_MAPPING)
            return region_base(region) < end ? mapping_from(region) : NULL;
        if (region) {
            address = MAX(address, region_base(region));
            at = vmar_from(region);
        } else if (at == vmar) {
            return NULL;
        } else {
            address = region_end(&at->region);
            at = at->region.parent;
        }
    }
    return NULL;
}
