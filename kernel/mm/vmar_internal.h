/* The inside of address spaces, for kernel/mm only. The address space's lock guards all of it. A
 * function that ends in _locked is called with that lock held. */
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
    bool is_dead;         /* its mappings were destroyed; nothing can be mapped any more */
    bool is_wx_allowed;   /* see aspace_allow_wx */
    struct spinlock lock; /* ASPACE */
    struct vmar* root;    /* a reference */
};

enum region_kind {
    REGION_VMAR,
    REGION_MAPPING,
};

/* A child of a VMAR: another VMAR, or a mapping. The key is its first address. */
struct region {
    struct tree_node node;
    size_t size;
    enum region_kind kind;
    struct vmar* parent; /* NULL: it is the root, or was taken out */
};

struct vmar {
    struct region region;
    _Atomic uint32_t references; /* the tree holds one while the VMAR is alive */
    struct aspace* aspace;       /* not a reference: the holder of a VMAR holds its aspace too */
    uint32_t capabilities;       /* ZX_VM_CAN_MAP_* */
    bool is_alive;
    struct tree children;            /* struct region */
    virtual_address_t neighbourhood; /* where random places are tried first; 0: not chosen yet */
};

/* An element of a VMO's list of mappings. `mapping` NULL: a bookmark of vmo_unmap_everywhere. */
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
    uint32_t allowed;         /* the permissions that vmar_protect may give */
    struct window* window;    /* the window that it is part of, or NULL */
    struct mapping* next;     /* in the list of a running vmar_protect */
    struct mapping_link link; /* under the VMO's lock; in a list of dead mappings later */
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
/* Called when the program changes the mapping: its window is not whole any more. */
static inline void mapping_note_change(struct mapping* mapping) {
    if (mapping->window)
        atomic_store_explicit(&mapping->window->is_whole, false, memory_order_relaxed);
}
/* The first region of the VMAR that ends above `address`; NULL: none. */
static inline struct region* vmar_region_from(const struct vmar* vmar, virtual_address_t address) {
    struct region* region = region_from(tree_find_at_most(&vmar->children, address));
    if (region && region_end(region) > address)
        return region;
    return region_from(tree_find_at_least(&vmar->children, address));
}

/* vmar.c */
struct vmar* vmar_create_root(struct aspace* aspace); /* NULL: no memory */
/* The mapping that contains `address`, in the VMAR or in a VMAR inside it; NULL: none. */
struct mapping* vmar_mapping_at_locked(struct vmar* vmar, virtual_address_t address);
/* Whether the range lies in the VMAR. */
bool vmar_contains(const struct vmar* vmar, virtual_address_t address, size_t size);
/* ACCESS_DENIED: more than `allowed`, or writing and executing at once. INVALID_ARGS: x86 has no
 * such pages. */
zx_status_t vmar_check_permissions(const struct vmar* vmar, uint32_t permissions, uint32_t allowed);
/* Takes everything out of the VMAR. Mappings go to the list `dead`; VMARs die. */
void vmar_clear_locked(struct vmar* vmar, struct list* dead);

/* mapping.c */
struct mapping* mapping_alloc(void); /* NULL: no memory */
void mapping_free(struct mapping* unused);
/* Allocates the spare mappings for a range whose two ends may cut mappings. False: no memory. */
bool mapping_spares_alloc(struct mapping* spares[2]);
void mapping_spares_free(struct mapping* spares[2]);
/* What a new mapping shows, and where. */
struct mapping_shape {
    virtual_address_t base;
    size_t size;
    struct vmo* vmo;
    uint64_t vmo_offset;
    uint32_t permissions; /* ZX_VM_PERM_* */
    uint32_t allowed;     /* the permissions that vmar_protect may give */
};
/* A new mapping is added in three steps. Step 1 fills it in. */
void mapping_fill_in(struct mapping* mapping, struct vmar* vmar, const struct mapping_shape* shape);
/* Step 2 adds it to its VMO's list, with a reference to the VMO. False: W^X (mapping_counts.h) does
 * not allow the mapping, and nothing has changed. */
MUST_CHECK bool mapping_announce_locked(struct mapping* mapping,
                                        const struct mapping_counts* leaving);
/* Step 3 puts it into its VMAR, where its place must be free by now. */
static inline void mapping_insert_locked(struct mapping* mapping) {
    tree_insert(&mapping->region.parent->children, &mapping->region.node,
                region_base(&mapping->region));
}
/* If `address` lies inside a mapping, cuts it in two there. Uses *spare for the upper part, and
 * sets it to NULL. */
void mapping_split_locked(struct vmar* vmar, virtual_address_t address, struct mapping** spare);
/* Takes the mapping out of its VMAR and out of the page tables. It goes to the list `dead`. */
void mapping_remove_locked(struct mapping* mapping, struct list* dead);
/* Frees dead mappings and drops their VMOs. No lock held. */
void mapping_bury(struct list* dead);
uint32_t mapping_paging_flags(uint32_t permissions);

/* placement.c: finds a place for `size` bytes in the VMAR; 0: there is none. */
virtual_address_t vmar_place_locked(struct vmar* vmar, size_t size, bool is_compact);
bool vmar_is_free_locked(const struct vmar* vmar, virtual_address_t base, size_t size);
