#include <mm/vmar_internal.h>

#include <abi/errors.h>
#include <arch/context.h>
#include <arch/layout.h>
#include <debug/panic.h>
#include <mm/slab.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <mm/vmo.h>

#define ROOT_BASE 0x10000ul /* the first pages stay empty: NULL and its neighbourhood fault */

static struct slab_cache vmar_cache =
    SLAB_CACHE_INITIALIZER(vmar_cache, "VMAR", sizeof(struct vmar));

/* --- life ------------------------------------------------------------------------------------ */

static struct vmar* vmar_create(struct aspace* aspace, uint32_t capabilities) {
    struct vmar* vmar = slab_alloc(&vmar_cache);
    if (vmar)
        *vmar = (struct vmar){
            .region = {.kind = REGION_VMAR},
            .references = 1,
            .aspace = aspace,
            .capabilities = capabilities,
            .is_alive = true,
            .children = {.random = (uint32_t)cpu_random()},
        };
    return vmar;
}

struct vmar* vmar_create_root(struct aspace* aspace) {
    struct vmar* root = vmar_create(aspace, VMAR_CAPABILITIES);
    if (root) {
        root->region.node.key = ROOT_BASE;
        root->region.size = USER_ADDRESS_END - ROOT_BASE;
    }
    return root;
}

void vmar_reference(struct vmar* vmar) {
    atomic_fetch_add_explicit(&vmar->references, 1, memory_order_relaxed);
}

void vmar_release(struct vmar* vmar) {
    if (atomic_fetch_sub_explicit(&vmar->references, 1, memory_order_acq_rel) == 1)
        slab_free(&vmar_cache, vmar);
}

/* Also for VMARs nested without end: goes down to a VMAR without children and takes it out of its
 * parent, in a loop. */
void vmar_clear_locked(struct vmar* vmar, struct list* dead) {
    struct vmar* at = vmar;
    for (;;) {
        struct region* child = region_from(tree_find_at_least(&at->children, 0));
        if (!child) {
            if (at == vmar)
                return;
            struct vmar* parent = at->region.parent;
            tree_remove(&parent->children, &at->region.node);
            at->is_alive = false;
            vmar_release(at);
            at = parent;
        } else if (child->kind == REGION_VMAR) {
            at = vmar_from(child);
        } else {
            mapping_remove_locked(mapping_from(child), dead);
        }
    }
}

zx_status_t vmar_destroy(struct vmar* vmar) {
    struct list dead = LIST_INITIALIZER(dead);
    struct aspace* aspace = vmar->aspace;
    spin_lock(&aspace->lock);
    bool was_alive = vmar->is_alive;
    if (was_alive) {
        vmar_clear_locked(vmar, &dead);
        vmar->is_alive = false;
        if (vmar->region.parent) {
            tree_remove(&vmar->region.parent->children, &vmar->region.node);
            vmar_release(vmar); /* the tree's; the caller has one */
        }
    }
    spin_unlock(&aspace->lock);
    mapping_bury(&dead);
    return was_alive ? ZX_OK : ZX_ERR_BAD_STATE;
}

virtual_address_t vmar_base(const struct vmar* vmar) {
    return region_base(&vmar->region);
}

size_t vmar_size(const struct vmar* vmar) {
    return vmar->region.size;
}

/* --- checks ----------------------------------------------------------------------------------- */

static bool is_range_inside(const struct vmar* vmar, virtual_address_t address, size_t size) {
    virtual_address_t base = region_base(&vmar->region);
    return address >= base && address - base <= vmar->region.size &&
           size <= vmar->region.size - (address - base);
}

/* What a right is missing for is refused before what makes no sense: x86 cannot write or execute
 * what it cannot read, and pages that can be written are never executable. */
static zx_status_t check_permissions(uint32_t permissions, uint32_t allowed) {
    if (permissions & ~allowed)
        return ZX_ERR_ACCESS_DENIED;
    if (permissions != 0 && !(permissions & ZX_VM_PERM_READ))
        return ZX_ERR_INVALID_ARGS;
    bool is_both = (permissions & ZX_VM_PERM_WRITE) && (permissions & ZX_VM_PERM_EXECUTE);
    return is_both ? ZX_ERR_ACCESS_DENIED : ZX_OK;
}

static uint32_t permissions_of(uint32_t capabilities) {
    return (capabilities & ZX_VM_CAN_MAP_READ ? ZX_VM_PERM_READ : 0) |
           (capabilities & ZX_VM_CAN_MAP_WRITE ? ZX_VM_PERM_WRITE : 0) |
           (capabilities & ZX_VM_CAN_MAP_EXECUTE ? ZX_VM_PERM_EXECUTE : 0);
}

#define IS_SPECIFIC(options) ((options) & (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE))

/* Whether the options allow a region of `size` at `offset`, wherever others are. */
static zx_status_t check_place(const struct vmar* vmar, uint32_t options, size_t offset,
                               size_t size) {
    if (size > vmar->region.size || !IS_ALIGNED(offset, PAGE_SIZE))
        return ZX_ERR_INVALID_ARGS;
    if (!IS_SPECIFIC(options))
        return offset == 0 ? ZX_OK : ZX_ERR_INVALID_ARGS;
    return offset <= vmar->region.size - size ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* Where a new region goes that check_place has allowed. */
static zx_status_t choose_base_locked(struct vmar* vmar, uint32_t options, size_t offset,
                                      size_t size, virtual_address_t* base) {
    if (!vmar->is_alive)
        return ZX_ERR_BAD_STATE;
    if (!IS_SPECIFIC(options)) {
        *base = vmar_place_locked(vmar, size, options & ZX_VM_COMPACT);
        return *base ? ZX_OK : ZX_ERR_NO_MEMORY;
    }
    *base = region_base(&vmar->region) + offset;
    bool may_overlap = options & ZX_VM_SPECIFIC_OVERWRITE;
    return may_overlap || vmar_is_free_locked(vmar, *base, size) ? ZX_OK : ZX_ERR_NO_MEMORY;
}

/* --- mappings --------------------------------------------------------------------------------- */

struct mapping* vmar_mapping_at_locked(struct vmar* vmar, virtual_address_t address) {
    for (;;) {
        struct region* region = region_from(tree_find_at_most(&vmar->children, address));
        if (!region || region_end(region) <= address)
            return NULL;
        if (region->kind == REGION_MAPPING)
            return mapping_from(region);
        vmar = vmar_from(region);
    }
}

/* OK when the range, which may hold mappings in part, holds VMARs only as a whole. */
static zx_status_t check_unmap_locked(const struct vmar* vmar, virtual_address_t address,
                                      virtual_address_t end) {
    const struct region* region = vmar_region_from(vmar, address);
    for (; region && region_base(region) < end; region = vmar_region_from(vmar, region_end(region)))
        if (region->kind == REGION_VMAR &&
            (region_base(region) < address || region_end(region) > end))
            return ZX_ERR_INVALID_ARGS;
    return ZX_OK;
}

static void unmap_locked(struct vmar* vmar, virtual_address_t address, virtual_address_t end,
                         struct mapping* spares[2], struct list* dead) {
    mapping_split_locked(vmar, address, &spares[0]);
    mapping_split_locked(vmar, end, &spares[1]);
    struct region* region;
    while ((region = vmar_region_from(vmar, address)) && region_base(region) < end) {
        if (region->kind == REGION_MAPPING) {
            mapping_remove_locked(mapping_from(region), dead);
            continue;
        }
        struct vmar* child = vmar_from(region);
        vmar_clear_locked(child, dead);
        child->is_alive = false;
        tree_remove(&vmar->children, &region->node);
        vmar_release(child);
    }
}

static void spares_free(struct mapping* spares[2]) {
    mapping_free(spares[0]);
    mapping_free(spares[1]);
}

/* What cutting a mapping at both ends of a range may take. */
static bool spares_alloc(struct mapping* spares[2]) {
    spares[0] = mapping_alloc();
    spares[1] = mapping_alloc();
    if (spares[0] && spares[1])
        return true;
    spares_free(spares);
    return false;
}

/* The usual range: one mapping as a whole. False: it is another one. */
static bool unmap_one_locked(struct vmar* vmar, virtual_address_t address, virtual_address_t end,
                             struct list* dead) {
    struct region* region = region_from(tree_find_at_most(&vmar->children, address));
    if (!region || region->kind != REGION_MAPPING || region_base(region) != address ||
        region_end(region) != end)
        return false;
    mapping_remove_locked(mapping_from(region), dead);
    return true;
}

static zx_status_t unmap_any_locked(struct vmar* vmar, virtual_address_t address, size_t size,
                                    struct mapping* spares[2], struct list* dead) {
    if (!vmar->is_alive)
        return ZX_ERR_BAD_STATE;
    if (!is_range_inside(vmar, address, size))
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = check_unmap_locked(vmar, address, address + size);
    if (status == ZX_OK)
        unmap_locked(vmar, address, address + size, spares, dead);
    return status;
}

zx_status_t vmar_unmap(struct vmar* vmar, virtual_address_t address, size_t size) {
    size = ALIGN_UP(size, PAGE_SIZE);
    if (size == 0 || !IS_ALIGNED(address, PAGE_SIZE))
        return ZX_ERR_INVALID_ARGS;
    struct list dead = LIST_INITIALIZER(dead);
    zx_status_t status = ZX_OK;
    spin_lock(&vmar->aspace->lock);
    bool is_done = unmap_one_locked(vmar, address, address + size, &dead);
    spin_unlock(&vmar->aspace->lock);
    if (unlikely(!is_done)) {
        struct mapping* spares[2];
        if (!spares_alloc(spares))
            return ZX_ERR_NO_MEMORY;
        spin_lock(&vmar->aspace->lock);
        status = unmap_any_locked(vmar, address, size, spares, &dead);
        spin_unlock(&vmar->aspace->lock);
        spares_free(spares);
    }
    mapping_bury(&dead);
    return status;
}

/* The checks of vmar_map that need no lock: a VMAR's range and capabilities never change. */
static zx_status_t check_map(const struct vmar* vmar, uint32_t options, uint32_t allowed,
                             size_t vmar_offset, uint64_t vmo_offset, size_t size) {
    if (!vmar_map_options_are_valid(options) || size == 0 || !IS_ALIGNED(vmo_offset, PAGE_SIZE) ||
        vmo_offset > UINT64_MAX - size)
        return ZX_ERR_INVALID_ARGS;
    if (IS_SPECIFIC(options) && !(vmar->capabilities & ZX_VM_CAN_MAP_SPECIFIC))
        return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = check_permissions(options & VMAR_PERMISSIONS, allowed);
    return status == ZX_OK ? check_place(vmar, options, vmar_offset, size) : status;
}

/* Everything of vmar_map under the lock; `dead` gets what an overwrite replaced. */
static zx_status_t map_locked(struct vmar* vmar, uint32_t options, uint32_t allowed,
                              size_t vmar_offset, struct vmo* vmo, uint64_t vmo_offset, size_t size,
                              struct mapping* fresh, struct mapping* spares[2], struct list* dead,
                              virtual_address_t* mapped) {
    virtual_address_t base;
    zx_status_t status = choose_base_locked(vmar, options, vmar_offset, size, &base);
    if (status != ZX_OK)
        return status;
    if (options & ZX_VM_SPECIFIC_OVERWRITE) {
        status = check_unmap_locked(vmar, base, base + size);
        if (status != ZX_OK)
            return status;
        unmap_locked(vmar, base, base + size, spares, dead);
    }
    mapping_install_locked(fresh, vmar, base, size, vmo, vmo_offset, options & VMAR_PERMISSIONS,
                           allowed);
    *mapped = base;
    return ZX_OK;
}

/* MAP_RANGE: what a first access would do, now. Running out of memory here is not an error: the
 * access will say so. A killed thread leaves the rest to first accesses. */
static void populate(struct aspace* aspace, virtual_address_t base, size_t size,
                     uint32_t permissions) {
    struct page_fault fault = {.is_write = permissions & ZX_VM_PERM_WRITE, .is_user = true};
    for (size_t offset = 0; offset < size && !context_is_killed(); offset += PAGE_SIZE) {
        fault.address = base + offset;
        if (!aspace_fault(aspace, &fault))
            return;
    }
}

zx_status_t vmar_map(struct vmar* vmar, uint32_t options, uint32_t permissions_allowed,
                     size_t vmar_offset, struct vmo* vmo, uint64_t vmo_offset, size_t size,
                     virtual_address_t* mapped) {
    size = ALIGN_UP(size, PAGE_SIZE); /* 0, if that wraps around */
    permissions_allowed &= permissions_of(vmar->capabilities);
    zx_status_t status =
        check_map(vmar, options, permissions_allowed, vmar_offset, vmo_offset, size);
    if (status != ZX_OK)
        return status;
    struct mapping* fresh = mapping_alloc();
    struct mapping* spares[2] = {NULL, NULL};
    if (!fresh || (options & ZX_VM_SPECIFIC_OVERWRITE && !spares_alloc(spares))) {
        mapping_free(fresh);
        return ZX_ERR_NO_MEMORY;
    }
    struct list dead = LIST_INITIALIZER(dead);
    spin_lock(&vmar->aspace->lock);
    status = map_locked(vmar, options, permissions_allowed, vmar_offset, vmo, vmo_offset, size,
                        fresh, spares, &dead, mapped);
    spin_unlock(&vmar->aspace->lock);
    if (status != ZX_OK)
        mapping_free(fresh);
    else if (options & ZX_VM_MAP_RANGE)
        populate(vmar->aspace, *mapped, size, options & VMAR_PERMISSIONS);
    if (options & ZX_VM_SPECIFIC_OVERWRITE) {
        spares_free(spares);
        mapping_bury(&dead);
    }
    return status;
}

/* The mapping that begins where this one, somewhere in `vmar`, ends. The look begins in its parent:
 * mappings may lie deep. */
static struct mapping* mapping_behind_locked(struct vmar* vmar, const struct mapping* mapping) {
    virtual_address_t address = region_end(&mapping->region);
    struct vmar* at = mapping->region.parent;
    while (at != vmar && region_end(&at->region) <= address)
        at = at->region.parent;
    return vmar_mapping_at_locked(at, address);
}

/* The whole range is mapped, also in VMARs inside this one, by mappings that may all get the
 * permissions. */
static zx_status_t check_protect_locked(struct vmar* vmar, virtual_address_t address,
                                        virtual_address_t end, uint32_t permissions) {
    const struct mapping* mapping = vmar_mapping_at_locked(vmar, address);
    for (; mapping; mapping = mapping_behind_locked(vmar, mapping)) {
        zx_status_t status = check_permissions(permissions, mapping->allowed);
        if (status != ZX_OK || region_end(&mapping->region) >= end)
            return status;
    }
    return ZX_ERR_NOT_FOUND;
}

static void split_at_locked(struct vmar* vmar, virtual_address_t address, struct mapping** spare) {
    const struct mapping* mapping = vmar_mapping_at_locked(vmar, address);
    if (mapping)
        mapping_split_locked(mapping->region.parent, address, spare);
}

/* A page that is shared stays read-only in the tables; so writing is never given here, but by the
 * fault that the next write takes. */
static void protect_locked(struct vmar* vmar, virtual_address_t address, virtual_address_t end,
                           uint32_t permissions, struct mapping* spares[2]) {
    split_at_locked(vmar, address, &spares[0]);
    split_at_locked(vmar, end, &spares[1]);
    struct mapping* mapping = vmar_mapping_at_locked(vmar, address);
    for (; mapping && region_base(&mapping->region) < end;
         mapping = mapping_behind_locked(vmar, mapping)) {
        mapping_note_change(mapping);
        mapping->permissions = permissions;
    }
    struct page_table* table = &vmar->aspace->page_table;
    if (permissions == 0)
        page_table_unmap(table, address, end - address);
    else
        page_table_protect(table, address, end - address,
                           mapping_paging_flags(permissions & ~ZX_VM_PERM_WRITE));
}

zx_status_t vmar_protect(struct vmar* vmar, uint32_t options, virtual_address_t address,
                         size_t size) {
    size = ALIGN_UP(size, PAGE_SIZE);
    if (size == 0 || !IS_ALIGNED(address, PAGE_SIZE) || options & ~VMAR_PERMISSIONS)
        return ZX_ERR_INVALID_ARGS;
    struct mapping* spares[2];
    if (!spares_alloc(spares))
        return ZX_ERR_NO_MEMORY;
    spin_lock(&vmar->aspace->lock);
    zx_status_t status = ZX_ERR_INVALID_ARGS;
    if (!vmar->is_alive)
        status = ZX_ERR_BAD_STATE;
    else if (is_range_inside(vmar, address, size))
        status = check_protect_locked(vmar, address, address + size, options);
    if (status == ZX_OK)
        protect_locked(vmar, address, address + size, options, spares);
    spin_unlock(&vmar->aspace->lock);
    spares_free(spares);
    return status;
}

/* --- VMARs inside VMARs ------------------------------------------------------------------------
 */

zx_status_t vmar_allocate(struct vmar* vmar, uint32_t options, size_t offset, size_t size,
                          struct vmar** child, virtual_address_t* child_address) {
    uint32_t capabilities = options & VMAR_CAPABILITIES;
    if (options & ~VMAR_ALLOCATE_OPTIONS || size == 0 || !IS_ALIGNED(size, PAGE_SIZE))
        return ZX_ERR_INVALID_ARGS;
    if ((capabilities & ~vmar->capabilities) ||
        (IS_SPECIFIC(options) && !(vmar->capabilities & ZX_VM_CAN_MAP_SPECIFIC)))
        return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = check_place(vmar, options, offset, size);
    if (status != ZX_OK)
        return status;
    struct vmar* fresh = vmar_create(vmar->aspace, capabilities);
    if (!fresh)
        return ZX_ERR_NO_MEMORY;
    spin_lock(&vmar->aspace->lock);
    status = choose_base_locked(vmar, options, offset, size, child_address);
    if (status == ZX_OK) {
        fresh->region.size = size;
        fresh->region.parent = vmar;
        vmar_reference(fresh); /* the tree's */
        tree_insert(&vmar->children, &fresh->region.node, *child_address);
        *child = fresh;
    }
    spin_unlock(&vmar->aspace->lock);
    if (status != ZX_OK)
        vmar_release(fresh);
    return status;
}
