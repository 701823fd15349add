#include <mm/mapping.h>

#include <arch/layout.h>
#include <mm/slab.h>
#include <mm/vmo_internal.h>

static struct slab_cache mapping_cache =
    SLAB_CACHE_INITIALIZER(mapping_cache, "mapping", sizeof(struct mapping));

void mapping_stock_free(struct mapping* stock[], size_t count) {
    for (size_t i = 0; i < count; i++)
        if (stock[i])
            slab_free(&mapping_cache, stock[i]);
}

bool mapping_stock_alloc(struct mapping* stock[], size_t count) {
    for (size_t i = 0; i < count; i++) {
        stock[i] = slab_alloc(&mapping_cache);
        if (!stock[i]) {
            mapping_stock_free(stock, i);
            return false;
        }
    }
    return true;
}

uint32_t mapping_paging_flags(uint32_t permissions) {
    return PAGING_USER | PAGING_READ | (permissions & ZX_VM_PERM_WRITE ? PAGING_WRITE : 0) |
           (permissions & ZX_VM_PERM_EXECUTE ? PAGING_EXECUTE : 0);
}

/* Inserts the mapping before `next` in its VMO's list. */
static inline void enlist_locked(struct mapping* mapping, struct list_node* next) {
    vmo_reference(mapping->vmo);
    list_insert_before(next, &mapping->link.node);
    mapping_counts_add(&mapping->vmo->mapped, mapping->permissions, 1);
}

bool mapping_announce_locked(struct mapping* mapping, const struct mapping_counts* leaving) {
    struct vmo* vmo = mapping->vmo;
    spin_lock(&vmo->lock);
    bool is_allowed = mapping->aspace->is_wx_allowed ||
                      mapping_counts_allow(&vmo->mapped, mapping->permissions, leaving);
    if (is_allowed)
        /* at the front, behind all walkers: they do not meet it */
        enlist_locked(mapping, vmo->mappings.head.next);
    spin_unlock(&vmo->lock);
    return is_allowed;
}

void mapping_split_locked(struct mapping* lower, virtual_address_t address,
                          struct mapping** spare) {
    if (!lower || region_base(&lower->region) == address)
        return;
    mapping_note_change(lower);
    size_t lower_size = address - region_base(&lower->region);
    struct mapping* upper = *spare;
    *upper = *lower;
    upper->region.size -= lower_size;
    upper->vmo_offset += lower_size;
    upper->link.mapping = upper;
    /* Both changes in one lock hold: vmo_unmap_everywhere must not miss the pages of either part.
     */
    spin_lock(&lower->vmo->lock);
    lower->region.node.key = address;
    lower->region.size = lower_size;
    enlist_locked(upper, lower->link.node.next);
    spin_unlock(&lower->vmo->lock);
    mapping_insert_locked(upper);
    *spare = NULL;
}

/* Removing a mapping has an order: out of the page tables first, out of the VMO's list and counts
 * afterwards. A thread that does not find the mapping in the list may free its pages. A thread that
 * does not find it counted may map the VMO for the other use (W^X). */
static inline void take_out_locked(struct mapping* mapping, struct list* dead) {
    tree_remove(&mapping->region.parent->children, &mapping->region.node);
    spin_lock(&mapping->vmo->lock);
    list_remove(&mapping->link.node);
    mapping_counts_add(&mapping->vmo->mapped, mapping->permissions, -1);
    spin_unlock(&mapping->vmo->lock);
    list_push_back(dead, &mapping->link.node);
}

void mapping_remove_locked(struct mapping* mapping, struct list* dead) {
    mapping_note_change(mapping);
    page_table_unmap(&mapping->aspace->page_table, region_base(&mapping->region),
                     mapping->region.size);
    take_out_locked(mapping, dead);
}

void mapping_remove_some_locked(struct mapping* mapping, struct list* dead, int64_t* units) {
    mapping_note_change(mapping);
    size_t done = page_table_unmap_some(&mapping->aspace->page_table, region_base(&mapping->region),
                                        mapping->region.size, units);
    if (done == mapping->region.size) {
        take_out_locked(mapping, dead);
        *units -= 1;
        return;
    }
    /* The lower part is cut off. The lock: a walk of vmo_unmap_everywhere reads these fields. */
    spin_lock(&mapping->vmo->lock);
    mapping->region.size -= done;
    mapping->vmo_offset += done;
    spin_unlock(&mapping->vmo->lock);
}

void mapping_bury(struct list* dead) {
    struct list_node* node;
    while ((node = list_pop_front(dead))) {
        struct mapping* mapping = LIST_ENTRY(node, struct mapping_link, node)->mapping;
        vmo_release(mapping->vmo);
        slab_free(&mapping_cache, mapping);
    }
}

bool mapping_bury_some(struct list* dead, int64_t* units) {
    struct list_node* node;
    while (*units > 0 && (node = list_pop_front(dead))) {
        struct mapping* mapping = LIST_ENTRY(node, struct mapping_link, node)->mapping;
        *units -= 2;
        if (!vmo_release_some(mapping->vmo, units))
            slab_free(&mapping_cache, mapping);
        else
            list_push_front(dead, node);
    }
    return !list_is_empty(dead);
}
