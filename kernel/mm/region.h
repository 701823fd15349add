/* What address spaces consist of, for kernel/mm only. The address space's lock guards all of it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/paging.h>
#include <lib/address.h>
#include <lib/list.h>
#include <lib/tree.h>
#include <lock/spinlock.h>

struct vmo;

struct aspace {
    struct page_table page_table; /* first: see aspace_page_table */
    _Atomic uint32_t references;
    bool is_dead;          /* it is being unmapped: no VMAR changes for any other reason */
    bool is_wx_allowed;    /* see aspace_allow_wx */
    struct spinlock lock;  /* ASPACE */
    struct vmar* root;     /* a reference */
    struct vmar* clearing; /* where aspace_unmap_some continues; NULL: all is unmapped */
    struct list unmapped;  /* mappings that aspace_free_some_mappings will free */
};

enum region_kind {
    REGION_VMAR,
    REGION_MAPPING,
};

/* A child of a VMAR: another VMAR, or a mapping. The key is the address where the region ends. So
 * one search finds the first region that ends above an address. */
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

/* An element of a VMO's list of mappings. `mapping` NULL: a bookmark of vmo_unmap.c. */
struct mapping_link {
    struct list_node node;
    struct mapping* mapping;
};

struct mapping {
    struct region region;
    struct aspace* aspace;
    struct vmo* vmo; /* a reference */
    uint64_t vmo_offset;
    uint32_t permissions; /* ZX_VM_PERM_* */
    uint32_t allowed;     /* the permissions that vmar_protect may give */
    /* Becomes false when the program changes the mapping. It also says which window the mapping is
     * part of (window.h). NULL: none. */
    _Atomic bool* mark;
    struct mapping* next;     /* in the list of a running vmar_protect */
    struct mapping_link link; /* under the VMO's lock; in a list of dead mappings later */
};

static inline virtual_address_t region_base(const struct region* region) {
    return region->node.key - region->size;
}
static inline virtual_address_t region_end(const struct region* region) {
    return region->node.key;
}
static inline bool region_contains(const struct region* region, virtual_address_t address,
                                   size_t size) {
    return address >= region_base(region) && address <= region_end(region) &&
           size <= region_end(region) - address;
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
/* Returns the first region of the VMAR that ends above `address`; NULL: there is none. */
static inline struct region* vmar_region_from(const struct vmar* vmar, virtual_address_t address) {
    return region_from(tree_find_at_least(&vmar->children, address + 1));
}
