/* The private half of vmo.h, for kernel/mm only. */
#pragma once

#include <stdatomic.h>

#include <lib/list.h>
#include <lock/spinlock.h>
#include <mm/mapping_counts.h>
#include <mm/page.h>
#include <mm/page_list.h>
#include <mm/vmo.h>

enum vmo_kind {
    VMO_PAGED,    /* pages appear when they are touched; those of a clone at once */
    VMO_PHYSICAL, /* memory that the page allocator does not own */
};

/* `references` of a paged VMO's page counts the VMOs that share it, and for a while the threads
 * that are forking it (vmo_fork.c). While there is more than one, the kernel does not write to the
 * page, and no fault maps it for writing. A mapping made before the page became shared may stay
 * writable until the call that made the clone has returned. A VMO that wants to write to a shared
 * page forks it: it gets its own copy. */
struct vmo {
    _Atomic uint32_t references;
    enum vmo_kind kind;
    uint64_t size;               /* whole pages */
    physical_address_t physical; /* for VMO_PHYSICAL: where it begins */
    struct vmo_end* end;         /* see vmo_set_end; or NULL */
    struct spinlock lock;        /* class VMO: guards everything below */
    struct page_list pages;
    size_t committed;
    /* clones that are being made, and forks begun meanwhile: see vmo_fork.c */
    uint32_t sharing_calls;
    size_t unsettled_count; /* pages that a fork put into their slot and has not settled yet */
    uint64_t fork_count;    /* the number of the last fork */
    struct list mappings;   /* mapping.link */
    struct mapping_counts mapped;
};

/* The result of a look at a page, for a fault or a copy. */
enum vmo_page_result {
    VMO_PAGE_OK,
    /* it is shared, and wanted for writing: fork it without locks, then look again */
    VMO_PAGE_SHARED,
    VMO_PAGE_NO_MEMORY,
};

/* Finds the memory of page `index`, and allocates it if it was not there. *is_shared: it may be
 * mapped for reading only. The lock is held. */
enum vmo_page_result vmo_page_locked(struct vmo* vmo, size_t index, bool for_writing,
                                     physical_address_t* physical, bool* is_shared);
/* Drops one VMO's share of a page; the last share frees it. */
void vmo_page_release(struct page* page);

/* Whether a fork by this VMO put the page here and has not settled it. A clone that shares the page
 * treats it like any shared page: its owner is another VMO. */
static inline bool vmo_is_unsettled_locked(const struct vmo* vmo, const struct page* page) {
    return __atomic_load_n(&page->owner, __ATOMIC_RELAXED) == vmo;
}

/* Step F6 of a fork (vmo_fork.c): the page may be written to from here on. Returns the replaced
 * page, whose share the caller must drop. */
static inline struct page* vmo_settle_locked(struct vmo* vmo, struct page* page) {
    struct page* replaced = page->replaced;
    __atomic_store_n(&page->owner, NULL, __ATOMIC_RELAXED);
    vmo->unsettled_count--;
    atomic_fetch_sub(&page->references, 1);
    return replaced;
}
