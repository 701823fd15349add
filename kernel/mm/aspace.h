/* Address spaces: a tree of VMARs with mappings of VMOs in them, and the page tables.
 *
 * Rules for address spaces:
 * - Reference counted: each process holds a reference, and each VMAR handle's object.
 * - The lock is of class ASPACE. It guards the VMAR tree, the mappings and the page tables.
 * - Lock order: ASPACE, then VMO.
 * - VMARs have references of their own (vmar.h). */
#pragma once

#include <stdbool.h>

#include <abi/types.h>
#include <arch/paging.h>

struct aspace;
struct vmar;

zx_status_t aspace_create(struct aspace** out); /* NO_MEMORY */
void aspace_reference(struct aspace* aspace);
/* Takes a reference, for a caller that finds the address space without having one. False: the last
 * reference is gone, and the address space is being destroyed. */
bool aspace_try_reference(struct aspace* aspace);
void aspace_release(struct aspace* aspace);
/* Unmaps everything now. From here on all VMARs of the address space are dead. */
void aspace_destroy_mappings(struct aspace* aspace);
/* aspace_destroy_mappings in pieces, for one thread at a time. The first function unmaps. The
 * second function frees what is unmapped. True: there is more. */
bool aspace_unmap_some(struct aspace* aspace, int64_t* units);
bool aspace_free_some_mappings(struct aspace* aspace, int64_t* units);
/* Allows memory that is writable and executable at once. The address space may also map a VMO for
 * writing while others execute it, or the reverse. Called before the process runs, if its job's
 * policy says so. */
void aspace_allow_wx(struct aspace* aspace);
/* The page table is the first member of struct aspace. */
static inline struct page_table* aspace_page_table(struct aspace* aspace) {
    return (struct page_table*)aspace;
}
struct vmar* aspace_root(struct aspace* aspace); /* borrowed */
