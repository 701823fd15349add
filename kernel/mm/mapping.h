/* Mappings: making, cutting and removing them, for kernel/mm only. A function that ends in _locked
 * is called with the address space's lock held. */
#pragma once

#include <lib/compiler.h>
#include <mm/mapping_counts.h>
#include <mm/region.h>

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
/* A new mapping is added in three steps. Step 1 fills it in. The other fields are set when it
 * enters the tree and the lists. */
static inline void mapping_fill_in(struct mapping* mapping, struct vmar* vmar,
                                   const struct mapping_shape* shape) {
    mapping->region.node.key = shape->base + shape->size;
    mapping->region.size = shape->size;
    mapping->region.kind = REGION_MAPPING;
    mapping->region.parent = vmar;
    mapping->aspace = vmar->aspace;
    mapping->vmo = shape->vmo;
    mapping->vmo_offset = shape->vmo_offset;
    mapping->permissions = shape->permissions;
    mapping->allowed = shape->allowed;
    mapping->mark = NULL;
    mapping->link.mapping = mapping;
}
/* Step 2 adds it to its VMO's list, with a reference to the VMO. False: W^X (mapping_counts.h) does
 * not allow the mapping, and nothing has changed. */
MUST_CHECK bool mapping_announce_locked(struct mapping* mapping,
                                        const struct mapping_counts* leaving);
/* Step 3 puts it into its VMAR, where its place must be free by now. */
static inline void mapping_insert_locked(struct mapping* mapping) {
    tree_insert(&mapping->region.parent->children, &mapping->region.node,
                region_end(&mapping->region));
}
/* If `address` lies inside a mapping, cuts it in two there. Uses *spare for the upper part, and
 * sets it to NULL. */
void mapping_split_locked(struct vmar* vmar, virtual_address_t address, struct mapping** spare);
/* Takes the mapping out of its VMAR and out of the page tables. It goes to the list `dead`. */
void mapping_remove_locked(struct mapping* mapping, struct list* dead);
/* The same in pieces: if the units are used up before, the mapping has become smaller. */
void mapping_remove_some_locked(struct mapping* mapping, struct list* dead, int64_t* units);
/* Frees dead mappings and drops their VMOs. No lock held. */
void mapping_bury(struct list* dead);
/* The same in pieces. True: there are more. */
bool mapping_bury_some(struct list* dead, int64_t* units);
uint32_t mapping_paging_flags(uint32_t permissions);

/* Called when the program changes the mapping: its window is not whole any more. */
static inline void mapping_note_change(struct mapping* mapping) {
    if (mapping->mark)
        atomic_store_explicit(mapping->mark, false, memory_order_relaxed);
}
