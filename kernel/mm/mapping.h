/* Mappings: making, cutting and removing them, for kernel/mm only. A function that ends in _locked
 * is called with the address space's lock held. */
#pragma once

#include <lib/compiler.h>
#include <mm/mapping_counts.h>
#include <mm/region.h>

/* Allocates mappings before the lock is taken. A range whose two ends may cut mappings needs two
 * spare ones. False: no memory. */
MUST_CHECK bool mapping_stock_alloc(struct mapping* stock[], size_t count);
/* Frees the mappings of the stock that were not used. Used places are NULL. */
void mapping_stock_free(struct mapping* stock[], size_t count);
/* Adds a new mapping, which is filled in, to its VMO's list, with a reference to the VMO. False:
 * W^X (mapping_counts.h) does not allow the mapping, and nothing has changed. */
MUST_CHECK bool mapping_announce_locked(struct mapping* mapping,
                                        const struct mapping_counts* leaving);
/* Puts an announced mapping into its VMAR, where its place must be free by now. */
static inline void mapping_insert_locked(struct mapping* mapping) {
    tree_insert(&mapping->region.parent->children, &mapping->region.node,
                region_end(&mapping->region));
}
/* Cuts the mapping in two at `address`, which is in it. Does nothing if the mapping begins there,
 * or is NULL. Uses *spare for the upper part, and sets it to NULL. */
void mapping_split_locked(struct mapping* lower, virtual_address_t address, struct mapping** spare);
/* Takes the mapping out of its VMAR and out of the page tables. It goes to the list `dead`. */
void mapping_remove_locked(struct mapping* mapping, struct list* dead);
/* mapping_remove_locked in pieces: if the units are used up before, the mapping has become
 * smaller. */
void mapping_remove_some_locked(struct mapping* mapping, struct list* dead, int64_t* units);
/* Frees dead mappings and drops their VMOs. No lock held. */
void mapping_bury(struct list* dead);
/* mapping_bury in pieces. True: there are more. */
bool mapping_bury_some(struct list* dead, int64_t* units);
uint32_t mapping_paging_flags(uint32_t permissions);

/* Called when the program changes the mapping: its window is not whole any more. */
static inline void mapping_note_change(struct mapping* mapping) {
    if (mapping->mark)
        atomic_store_explicit(mapping->mark, false, memory_order_relaxed);
}
