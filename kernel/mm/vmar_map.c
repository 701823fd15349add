#include <mm/vmar_map.h>

#include <abi/errors.h>
#include <arch/context.h>
#include <arch/interrupt.h>
#include <arch/layout.h>
#include <mm/mapping.h>
#include <mm/page_fault.h>
#include <mm/placement.h>
#include <mm/vmar_internal.h>

/* --- checks ----------------------------------------------------------------------------------- */

static uint32_t permissions_of_capabilities(uint32_t capabilities) {
    return (capabilities & ZX_VM_CAN_MAP_READ ? ZX_VM_PERM_READ : 0) |
           (capabilities & ZX_VM_CAN_MAP_WRITE ? ZX_VM_PERM_WRITE : 0) |
           (capabilities & ZX_VM_CAN_MAP_EXECUTE ? ZX_VM_PERM_EXECUTE : 0);
}

#define IS_SPECIFIC(options) ((options) & (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE))

/* Whether the options and the VMAR's size allow a region at `offset`. Does not check whether the
 * place is free. */
static zx_status_t check_place(const struct vmar* vmar, uint32_t options, size_t offset,
                               size_t size) {
    if (size > vmar->region.size || !IS_ALIGNED(offset, PAGE_SIZE))
        return ZX_ERR_INVALID_ARGS;
    size_t last = IS_SPECIFIC(options) ? vmar->region.size - size : 0;
    return offset <= last ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* Chooses the address of a new region, after check_place. */
static zx_status_t choose_base_locked(struct vmar* vmar, uint32_t options, size_t offset,
                                      size_t size, virtual_address_t* base) {
    if (!vmar_is_alive_locked(vmar))
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

/* OK if each VMAR that the range touches lies wholly inside it. Mappings may be cut. */
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
    mapping_split_locked(vmar_mapping_at_locked(vmar, address), address, &spares[0]);
    mapping_split_locked(vmar_mapping_at_locked(vmar, end), end, &spares[1]);
    struct region* region;
    while ((region = vmar_region_from(vmar, address)) && region_base(region) < end) {
        if (region->kind == REGION_MAPPING)
            mapping_remove_locked(mapping_from(region), dead);
        else
            vmar_remove_locked(vmar_from(region), dead);
    }
}

/* The fast path, for a range that is exactly one mapping. False: the range is something else. */
static bool unmap_one_locked(struct vmar* vmar, virtual_address_t address, virtual_address_t end,
                             struct list* dead) {
    struct region* region = vmar_region_from(vmar, address);
    if (!region || region->kind != REGION_MAPPING || region_base(region) != address ||
        region_end(region) != end)
        return false;
    mapping_remove_locked(mapping_from(region), dead);
    return true;
}

static zx_status_t unmap_any_locked(struct vmar* vmar, virtual_address_t address, size_t size,
                                    struct mapping* spares[2], struct list* dead) {
    zx_status_t status = vmar_check_range_locked(vmar, address, size);
    if (status == ZX_OK)
        status = check_unmap_locked(vmar, address, address + size);
    if (status == ZX_OK)
        unmap_locked(vmar, address, address + size, spares, dead);
    return status;
}

/* The slow path takes the lock a second time. Between the two lock holds other threads may change
 * the range, so the slow path starts from the beginning. */
zx_status_t vmar_unmap(struct vmar* vmar, virtual_address_t address, size_t size) {
    size = ALIGN_UP(size, PAGE_SIZE);
    if (size == 0 || !IS_ALIGNED(address, PAGE_SIZE))
        return ZX_ERR_INVALID_ARGS;
    struct list dead = LIST_INITIALIZER(dead);
    zx_status_t status = ZX_OK;
    spin_lock(&vmar->aspace->lock);
    bool is_done = unmap_one_locked(vmar, address, address + size, &dead);
    spin_unlock(&vmar->aspace->lock);
    if (!is_done) {
        struct mapping* spares[2];
        if (!mapping_stock_alloc(spares, 2))
            return ZX_ERR_NO_MEMORY;
        spin_lock(&vmar->aspace->lock);
        status = unmap_any_locked(vmar, address, size, spares, &dead);
        spin_unlock(&vmar->aspace->lock);
        mapping_stock_free(spares, 2);
    }
    mapping_bury(&dead);
    return status;
}

/* The checks of vmar_map that need no lock: the fields of VMARs that they read never change. */
static zx_status_t check_map(const struct vmar* vmar, const struct vmar_map_request* request) {
    uint32_t options = request->options;
    if (!vmar_map_options_are_valid(options) || request->size == 0 ||
        !IS_ALIGNED(request->vmo_offset, PAGE_SIZE) ||
        request->vmo_offset > UINT64_MAX - request->size)
        return ZX_ERR_INVALID_ARGS;
    if (IS_SPECIFIC(options) && !(vmar->capabilities & ZX_VM_CAN_MAP_SPECIFIC))
        return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = vmar_check_permissions(vmar, options & VMAR_PERMISSIONS, request->allowed);
    return status == ZX_OK ? check_place(vmar, options, request->vmar_offset, request->size)
                           : status;
}

/* Counts the mappings of the VMO that lie wholly in the range: they will be removed with it. */
static struct mapping_counts count_inside_locked(struct vmar* vmar, virtual_address_t address,
                                                 virtual_address_t end, const struct vmo* vmo) {
    struct mapping_counts counts = {0};
    const struct mapping* mapping = vmar_next_mapping_locked(vmar, vmar, address, end);
    for (; mapping && region_end(&mapping->region) <= end;
         mapping = vmar_next_mapping_locked(vmar, mapping->region.parent,
                                            region_end(&mapping->region), end))
        if (mapping->vmo == vmo && region_base(&mapping->region) >= address)
            mapping_counts_add(&counts, mapping->permissions, 1);
    return counts;
}

/* The part of vmar_map under the lock. stock[0] becomes the mapping; the others are for an
 * overwrite. The mappings that it replaces go to `dead`. */
static zx_status_t map_locked(struct vmar* vmar, const struct vmar_map_request* request,
                              struct mapping* stock[3], struct list* dead,
                              virtual_address_t* mapped) {
    bool is_overwrite = request->options & ZX_VM_SPECIFIC_OVERWRITE;
    virtual_address_t base;
    zx_status_t status =
        choose_base_locked(vmar, request->options, request->vmar_offset, request->size, &base);
    if (status != ZX_OK)
        return status;
    virtual_address_t end = base + request->size;
    struct mapping_counts leaving = {0};
    if (is_overwrite) {
        status = check_unmap_locked(vmar, base, end);
        if (status != ZX_OK)
            return status;
        leaving = count_inside_locked(vmar, base, end, request->vmo);
    }
    struct mapping* fresh = stock[0];
    fresh->region.node.key = end;
    fresh->region.size = request->size;
    fresh->region.kind = REGION_MAPPING;
    fresh->region.parent = vmar;
    fresh->aspace = vmar->aspace;
    fresh->vmo = request->vmo;
    fresh->vmo_offset = request->vmo_offset;
    fresh->permissions = request->options & VMAR_PERMISSIONS;
    fresh->allowed = request->allowed;
    fresh->mark = request->mark;
    fresh->link.mapping = fresh;
    if (!mapping_announce_locked(fresh, &leaving))
        return ZX_ERR_ACCESS_DENIED;
    if (is_overwrite)
        unmap_locked(vmar, base, end, &stock[1], dead);
    mapping_insert_locked(fresh);
    stock[0] = NULL;
    *mapped = base;
    return ZX_OK;
}

/* For MAP_RANGE: brings the pages in now, as the first accesses would do. If memory runs out, this
 * is no error: the access will fail. A killed thread leaves the other pages to their first
 * accesses. */
static void populate(struct aspace* aspace, virtual_address_t base, size_t size,
                     uint32_t permissions) {
    struct page_fault fault = {.is_write = permissions & ZX_VM_PERM_WRITE, .is_user = true};
    for (size_t offset = 0; offset < size && !context_is_killed(); offset += PAGE_SIZE) {
        fault.address = base + offset;
        if (!aspace_fault(aspace, &fault))
            return;
    }
}

zx_status_t vmar_map(struct vmar* vmar, const struct vmar_map_request* asked,
                     virtual_address_t* mapped) {
    struct vmar_map_request request = *asked;
    struct mapping* stock[3];
    request.allowed &= permissions_of_capabilities(vmar->capabilities);
    request.size = ALIGN_UP(asked->size, PAGE_SIZE); /* 0 if that wraps around */
    zx_status_t status = check_map(vmar, &request);
    if (status != ZX_OK)
        return status;
    size_t stock_count = request.options & ZX_VM_SPECIFIC_OVERWRITE ? 3 : 1;
    if (!mapping_stock_alloc(stock, stock_count))
        return ZX_ERR_NO_MEMORY;
    struct list dead = LIST_INITIALIZER(dead);
    spin_lock(&vmar->aspace->lock);
    status = map_locked(vmar, &request, stock, &dead, mapped);
    spin_unlock(&vmar->aspace->lock);
    if (status == ZX_OK && stock_count == 1) {
        if (request.options & ZX_VM_MAP_RANGE)
            populate(vmar->aspace, *mapped, request.size, request.options & VMAR_PERMISSIONS);
        return ZX_OK;
    }
    mapping_stock_free(stock, stock_count);
    mapping_bury(&dead);
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
    struct vmar* fresh = vmar_create(vmar->aspace, capabilities, 0, size);
    if (!fresh)
        return ZX_ERR_NO_MEMORY;
    spin_lock(&vmar->aspace->lock);
    status = choose_base_locked(vmar, options, offset, size, child_address);
    if (status == ZX_OK) {
        fresh->region.parent = vmar;
        vmar_reference(fresh); /* the tree's reference */
        tree_insert(&vmar->children, &fresh->region.node, *child_address + size);
        *child = fresh;
    }
    spin_unlock(&vmar->aspace->lock);
    if (status != ZX_OK)
        vmar_release(fresh);
    return status;
}
