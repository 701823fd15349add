/* A VMO's inside, for kernel/mm. */
#pragma once

#include <stdatomic.h>

#include <lib/list.h>
#include <lock/spinlock.h>
#include <mm/mapping_counts.h>
#include <mm/page_list.h>
#include <mm/vmo.h>

enum vmo_kind {
    VMO_PAGED,    /* pages come when they are touched, or all at once (contiguous, clone) */
    VMO_PHYSICAL, /* no struct pages: somebody else's memory */
};

/* A page of a paged VMO counts in `references` the VMOs that share it, and for a while the threads
 * that are forking it (vmo_fork.c). While there is more than one, the kernel does not write to the
 * page, and no fault maps it for writing. A mapping that was made before the page became shared may
 * be writable until the call that made the clone has returned. A VMO that wants to write to a
 * shared page forks it: it gets a copy of its own. */
struct vmo {
    _Atomic uint32_t references;
    enum vmo_kind kind;
    uint64_t size;               /* whole pages */
    physical_address_t physical; /* VMO_PHYSICAL: where it begins */
    struct vmo_end* end;         /* see vmo_set_end; or NULL */
    struct spinlock lock;        /* VMO: guards all below */
    struct page_list pages;
    size_t committed;
    uint32_t sharing_calls; /* clones being made, and forks meanwhile: see vmo_fork.c */
    size_t unsettled_count; /* pages that a fork put in their place and did not settle yet */
    uint64_t fork_count;    /* the number of the last fork */
    struct list mappings;   /* mapping.link */
    struct mapping_counts mapped;
};

/* What a fault, or a kernel copy, gets. */
enum vmo_page_result {
    VMO_PAGE_OK,
    VMO_PAGE_SHARED, /* wanted for writing, but shared: fork it, without locks, and ask again */
    VMO_PAGE_NO_MEMORY,
};

/* The memory at page `index`, brought in if need be. `*is_shared`: it may be mapped for reading
 * only. The lock is held. */
enum vmo_page_result vmo_page_locked(struct vmo* vmo, size_t index, bool for_writing,
                                     physical_address_t* physical, bool* is_shared);
/* A step towards a page at `index` that is the VMO's own: afterwards the caller asks for the page
 * again. NO_MEMORY; CANCELED when the thread is killed. No lock held. It waits for no other thread.
 */
zx_status_t vmo_fork_page(struct vmo* vmo, size_t index);
/* For the end of the VMO: it has no mappings, and nobody else knows of it. */
void vmo_settle_all(struct vmo* vmo);
/* Drops one VMO's share of a page. */
void vmo_page_release(struct page* page);

/* mapping.c: takes the pages [first, first + count) of the VMO out of the page tables of everybody
 * who maps them, so that the next access faults. False: the thread is killed, and some mappings
 * were left out. No lock held. */
MUST_CHECK bool vmo_unmap_everywhere(struct vmo* vmo, size_t first, size_t count);
