/* A VMO's inside, for kernel/mm. */
#pragma once

#include <stdatomic.h>

#include <lib/list.h>
#include <lock/spinlock.h>
#include <mm/page_list.h>
#include <mm/vmo.h>

enum vmo_kind {
    VMO_PAGED,    /* pages come when they are touched, or all at once (contiguous, clone) */
    VMO_PHYSICAL, /* no struct pages: somebody else's memory */
};

#define VMO_NOT_FORKING SIZE_MAX

/* A page of a paged VMO counts in `references` the VMOs that share it. While that is more than one
 * nobody may write to it, and no mapping of it is writable: a VMO that wants to forks it, that is,
 * gets a copy of its own (vmo_fork.c). */
struct vmo {
    _Atomic uint32_t references;
    enum vmo_kind kind;
    uint64_t size;               /* whole pages */
    physical_address_t physical; /* VMO_PHYSICAL: where it begins */
    struct spinlock lock;        /* VMO: guards all below */
    struct page_list pages;
    size_t committed;
    size_t forking;       /* index of the page that is being forked, or VMO_NOT_FORKING */
    struct list mappings; /* mapping.vmo_node */
};

/* What a fault, or a kernel copy, gets. */
enum vmo_page_result {
    VMO_PAGE_OK,
    VMO_PAGE_SHARED, /* wanted for writing, but shared: fork it, without locks, and ask again */
    VMO_PAGE_BUSY,   /* it is being forked: ask again */
    VMO_PAGE_NO_MEMORY,
};

/* The memory at page `index`, brought in if need be. `*is_shared`: it may be mapped for reading
 * only. The lock is held. */
enum vmo_page_result vmo_page_locked(struct vmo* vmo, size_t index, bool for_writing,
                                     physical_address_t* physical, bool* is_shared);
/* Gives the VMO a page of its own at `index`. NO_MEMORY. No lock held. */
zx_status_t vmo_fork_page(struct vmo* vmo, size_t index);
/* Drops one VMO's share of a page. */
void vmo_page_release(struct page* page);

/* mapping.c: takes the pages [first, first + count) of the VMO out of the page tables of everybody
 * who maps them, so that the next access faults. No lock held. */
void vmo_unmap_everywhere(struct vmo* vmo, size_t first, size_t count);
