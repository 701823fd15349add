/* vmar_protect changes all of a range or nothing. The range may show several VMOs, some of them
 * more than once.
 *
 * 1. Every mapping in the range is listed, and each must allow the permissions.
 * 2. VMO by VMO, the mappings are counted as what they will be, if W^X allows it
 *    (mapping_counts.h). If one VMO refuses, the counts are taken back. The list is sorted, because
 *    all mappings of one VMO must be counted together: the call takes away their old counts.
 * 3. The mappings at the ends of the range are cut, and the page tables tightened.
 * 4. The mappings change, and lose the counts of what they were. */
#include <mm/protect.h>

#include <abi/errors.h>
#include <arch/layout.h>
#include <mm/mapping.h>
#include <mm/vmar_internal.h>
#include <mm/vmo_internal.h>

struct protection {
    struct vmar* vmar;
    virtual_address_t address, end;
    uint32_t permissions;
    struct mapping* first; /* the mappings in the range, linked by mapping.next */
    size_t count;
};

/* --- 1: which mappings ------------------------------------------------------------------------ */

/* Returns the mapping that begins where `mapping` ends; NULL: there is none. */
static struct mapping* mapping_behind_locked(struct vmar* vmar, const struct mapping* mapping) {
    virtual_address_t end = region_end(&mapping->region);
    return vmar_next_mapping_locked(vmar, mapping->region.parent, end, end + 1);
}

static zx_status_t list_mappings_locked(struct protection* protection) {
    struct mapping** last = &protection->first;
    struct mapping* mapping = vmar_mapping_at_locked(protection->vmar, protection->address);
    for (; mapping; mapping = mapping_behind_locked(protection->vmar, mapping)) {
        zx_status_t status =
            vmar_check_permissions(protection->vmar, protection->permissions, mapping->allowed);
        if (status != ZX_OK)
            return status;
        *last = mapping;
        last = &mapping->next;
        protection->count++;
        if (region_end(&mapping->region) >= protection->end) {
            *last = NULL;
            return ZX_OK;
        }
    }
    /* A gap. Permissions that no mapping can have are reported first. */
    zx_status_t status =
        vmar_check_permissions(protection->vmar, protection->permissions, VMAR_PERMISSIONS);
    return status == ZX_OK ? ZX_ERR_NOT_FOUND : status;
}

/* --- 2: counting ------------------------------------------------------------------------------ */

/* Merges two sorted lists. */
static struct mapping* merge(struct mapping* one, struct mapping* other) {
    struct mapping* first = NULL;
    struct mapping** last = &first;
    while (one && other) {
        struct mapping** smaller = (uintptr_t)one->vmo <= (uintptr_t)other->vmo ? &one : &other;
        *last = *smaller;
        last = &(*smaller)->next;
        *smaller = (*smaller)->next;
    }
    *last = one ? one : other;
    return first;
}

/* Merge sort: takes `count` mappings (at least one) off the list and sorts them by VMO. The
 * recursion is as deep as `count` has bits. */
static struct mapping* take_sorted(struct mapping** list, size_t count) {
    if (count == 1) {
        struct mapping* only = *list;
        *list = only->next;
        only->next = NULL;
        return only;
    }
    struct mapping* lower = take_sorted(list, count / 2);
    return merge(lower, take_sorted(list, count - count / 2));
}

/* Step 2 for one VMO, whose mappings begin at *next; moves *next to the next VMO. False: W^X
 * refuses. */
static bool count_vmo_locked(const struct protection* protection, struct mapping** next) {
    struct vmo* vmo = (*next)->vmo;
    struct mapping_counts leaving = {0};
    uint32_t gained = 0;
    ptrdiff_t count = 0;
    for (; *next && (*next)->vmo == vmo; *next = (*next)->next, count++) {
        const struct mapping* mapping = *next;
        gained |= protection->permissions & ~mapping->permissions;
        if (region_base(&mapping->region) >= protection->address &&
            region_end(&mapping->region) <= protection->end)
            mapping_counts_add(&leaving, mapping->permissions, 1);
    }
    spin_lock(&vmo->lock);
    bool is_allowed = protection->vmar->aspace->is_wx_allowed ||
                      mapping_counts_allow(&vmo->mapped, gained, &leaving);
    if (is_allowed)
        mapping_counts_add(&vmo->mapped, protection->permissions, count);
    spin_unlock(&vmo->lock);
    return is_allowed;
}

static void count_no_more_locked(const struct mapping* mapping, uint32_t permissions) {
    if (!(permissions & COUNTED_PERMISSIONS))
        return;
    spin_lock(&mapping->vmo->lock);
    mapping_counts_add(&mapping->vmo->mapped, permissions, -1);
    spin_unlock(&mapping->vmo->lock);
}

static zx_status_t count_locked(struct protection* protection) {
    if (!(protection->permissions & COUNTED_PERMISSIONS))
        return ZX_OK;
    protection->first = take_sorted(&protection->first, protection->count);
    for (struct mapping* next = protection->first; next;) {
        const struct mapping* refused = next;
        if (count_vmo_locked(protection, &next))
            continue;
        for (const struct mapping* mapping = protection->first; mapping != refused;
             mapping = mapping->next)
            count_no_more_locked(mapping, protection->permissions);
        return ZX_ERR_ACCESS_DENIED;
    }
    return ZX_OK;
}

/* --- 3 and 4: the change ---------------------------------------------------------------------- */

/* A shared page must stay read-only in the page tables. So this never gives write permission: the
 * next write faults, and the fault gives it. */
static void protect_pages_locked(const struct protection* protection) {
    struct page_table* table = &protection->vmar->aspace->page_table;
    size_t size = protection->end - protection->address;
    if (protection->permissions == 0)
        page_table_unmap(table, protection->address, size);
    else
        page_table_protect(table, protection->address, size,
                           mapping_paging_flags(protection->permissions & ~ZX_VM_PERM_WRITE));
}

static void change_locked(const struct protection* protection, struct mapping* spares[2]) {
    struct vmar* vmar = protection->vmar;
    virtual_address_t base = protection->address, end = protection->end;
    mapping_split_locked(vmar_mapping_at_locked(vmar, base), base, &spares[0]);
    mapping_split_locked(vmar_mapping_at_locked(vmar, end), end, &spares[1]);
    protect_pages_locked(protection);
    struct mapping* mapping = vmar_mapping_at_locked(vmar, base);
    for (; mapping && region_base(&mapping->region) < end;
         mapping = mapping_behind_locked(vmar, mapping)) {
        uint32_t before = mapping->permissions;
        mapping_note_change(mapping);
        mapping->permissions = protection->permissions;
        count_no_more_locked(mapping, before);
    }
}

static zx_status_t protect_locked(struct protection* protection, struct mapping* spares[2]) {
    zx_status_t status = vmar_check_range_locked(protection->vmar, protection->address,
                                                 protection->end - protection->address);
    if (status == ZX_OK)
        status = list_mappings_locked(protection);
    if (status == ZX_OK)
        status = count_locked(protection);
    if (status == ZX_OK)
        change_locked(protection, spares);
    return status;
}

/* Spare mappings are allocated before the lock is taken, because allocation may fail and nothing
 * may change then. */
zx_status_t vmar_protect(struct vmar* vmar, uint32_t options, virtual_address_t address,
                         size_t size) {
    size = ALIGN_UP(size, PAGE_SIZE);
    if (size == 0 || !IS_ALIGNED(address, PAGE_SIZE) || options & ~VMAR_PERMISSIONS)
        return ZX_ERR_INVALID_ARGS;
    struct protection protection = {vmar, address, address + size, options, NULL, 0};
    struct mapping* spares[2];
    if (!mapping_stock_alloc(spares, 2))
        return ZX_ERR_NO_MEMORY;
    spin_lock(&vmar->aspace->lock);
    zx_status_t status = protect_locked(&protection, spares);
    spin_unlock(&vmar->aspace->lock);
    mapping_stock_free(spares, 2);
    return status;
}
