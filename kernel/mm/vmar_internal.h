/* The inside of address spaces, for kernel/mm. Everything here is guarded by the aspace's lock. */
#pragma once

#include <stdatomic.h>

#include <lib/list.h>
#include <lib/tree.h>
#include <lock/spinlock.h>
#include <mm/aspace.h>
#include <mm/mapping_counts.h>
#include <mm/window.h>

struct aspace {
    struct page_table page_table; /* first: see aspace_page_table */
    _Atomic uint32_t references;
    bool is_dead;         /* its mappings were destroyed: nothing can be mapped any more */
    bool is_wx_allowed;   /* see aspace_allow_wx */
    struct spinlock lock; /* ASPACE */
    struct vmar* root;    /* a reference */
};

enum region_kind {
    REGION_VMAR,
    REGION_MAPPING,
};

/* What stands in a VMAR: a VMAR inside it, or a mapping. Keyed by its first address. */
struct region {
    struct tree_node node;
    size_t size;
    enum region_kind kind;
    struct vmar* parent; /* NULL: the root, or taken out */
};

struct vmar {
    struct region region;
    _Atomic uint32_t references; /* the tree holds one while the VMAR is alive */
    struct aspace* aspace;       /* whoever holds a VMAR holds its aspace too */
    uint32_t capabilities;       /* ZX_VM_CAN_MAP_* */
    bool is_alive;
    struct tree children;            /* struct region */
    virtual_address_t neighbourhood; /* where random places are looked for first */
};

/* A VMO's list of its mappings. `mapping` NULL: a walker's bookmark (vmo_unmap_everywhere). */
struct mapping_link {
    struct list_node node;
    struct mapping* mapping;
};

struct mapping {
    struct region region;
    struct aspace* aspace;
    struct vmo* vmo; /* a reference */
    uint64_t vmo_offset;
    uint32_t permissions;     /* ZX_VM_PERM_* */
    uint32_t allowed;         /* what vmar_protect may make of them */
    struct window* window;    /* the mark of a kernel's window, or NULL */
    struct mapping* next;     /* in the list of a vmar_protect under way */
    struct mapping_link link; /* under the VMO's lock; in a list of the dead afterwards */
};

static inline virtual_address_t region_base(const struct region* region) {
    return region->node.key;
}
static inline virtual_address_t region_end(const struct region* region) {
    return region->node.key + region->size;
}
static inline struct region* region_from(struct tree_node* node) {
    return node ? CONTAINER_OF(node, struct region, node) : NULL;
}
static inline struct vmar* vmar_from(struct region* region) {
    return CONTAINER_OF(region, struct vmar, region);
}
static inline struct mapping* mapping_from(struct region* region) {
    return CONTAINER_OF(region, struct mapping, region);
}
/* The program does something to the mapping: a window is not whole any more. */
static inline void mapping_note_change(struct mapping* mapping) {
    if (mapping->window)
        atomic_store_explicit(&mapping->window->is_whole, false, memory_order_relaxed);
}
/* The first region of the VMAR that ends above `address`. */
static inline struct region* vmar_region_from(const struct vmar* vmar, virtual_address_t address) {
    struct region* region = region_from(tree_find_at_most(&vmar->children, address));
    if (region && region_end(region) > address)
        return region;
    return region_from(tree_find_at_least(&vmar->children, address));
}

/* vmar.c */
struct vmar* vmar_create_root(struct aspace* aspace); /* NULL: no memory */
/* The one that contains `address`, in the VMAR or in one inside it; NULL: none. */
struct mapping* vmar_mapping_at_locked(struct vmar* vmar, virtual_address_t address);
/* A range of the VMAR. */
bool vmar_contains(const struct vmar* vmar, virtual_address_t address, size_t size);
/* ACCESS_DENIED: more than `allowed`, or writing and executing at once. INVALID_ARGS: x86 has no
 * such pages. */
zx_status_t vmar_check_permissions(const struct vmar* vmar, uint32_t permissions, uint32_t allowed);
/* Takes everything out of the VMAR: mappings go to `dead`, VMARs die. */
void vmar_clear_locked(struct vmar* vmar, struct list* dead);

/* mapping.c */
struct mapping* mapping_alloc(void); /* NULL: no memory */
void mapping_free(struct mapping* unused);
/* For the two ends of a range that may cut mappings. False: no memory. */
bool mapping_spares_alloc(struct mapping* spares[2]);
void mapping_spares_free(struct mapping* spares[2]);
/* A fresh mapping comes in three steps. The first fills it in. */
void mapping_fill_in(struct mapping* mapping, struct vmar* vmar, virtual_address_t base,
                     size_t size, struct vmo* vmo, uint64_t vmo_offset, uint32_t permissions,
                     uint32_t allowed);
/* The second makes it known to its VMO, with a reference. False: refused, because of W^X
 * (mapping_counts.h); nothing has changed then. */
MUST_CHECK bool mapping_announce_locked(struct mapping* mapping,
                                        const struct mapping_counts* leaving);
/* The third puts it into its VMAR, where its place is free by now. */
static inline void mapping_insert_locked(struct mapping* mapping) {
    tree_insert(&mapping->region.parent->children, &mapping->region.node,
                region_base(&mapping->region));
}
/* Cuts the mapping that contains `address` inside in two there; uses *spare, which becomes NULL
 * then. */
void mapping_split_locked(struct vmar* vmar, virtual_address_t address, struct mapping** spare);
/* Takes it out of its VMAR and of the page tables; it goes to `dead`. */
void mapping_remove_locked(struct mapping* mapping, struct list* dead);
/* Without locks: drops the VMOs of dead mappings and frees them. */
void mapping_bury(struct list* dead);
uint32_t mapping_paging_flags(uint32_t permissions);

/* placement.c: a place for `size` bytes in the VMAR; 0: none. */
virtual_address_t vmar_place_locked(struct vmar* vmar, size_t size, bool is_compact);
bool vmar_is_free_locked(const struct vmar* vmar, virtual_address_t base, size_t size);
