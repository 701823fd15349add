#include <mm/vmo_unmap.h>

#include <arch/context.h>
#include <mm/aspace.h>
#include <mm/region.h>
#include <mm/vmo_internal.h>

#define MAPPINGS_SEEN_AT_ONCE 64u /* mappings that the walk passes in one lock hold */

/* The part of one mapping that shows pages [first, first + count), and its address space. */
struct shown_range {
    struct aspace* aspace; /* with a reference; NULL: nothing to do */
    virtual_address_t base;
    size_t size;
};

static struct shown_range range_shown(const struct mapping* mapping, size_t first, size_t count) {
    uint64_t start = MAX((uint64_t)first << PAGE_SHIFT, mapping->vmo_offset);
    uint64_t end =
        MIN((uint64_t)(first + count) << PAGE_SHIFT, mapping->vmo_offset + mapping->region.size);
    if (start >= end || !aspace_try_reference(mapping->aspace))
        return (struct shown_range){0};
    return (struct shown_range){mapping->aspace,
                                region_base(&mapping->region) + (start - mapping->vmo_offset),
                                end - start};
}

/* Moves the bookmark behind the next mapping, and returns the mapping; NULL: there is none.
 * Bookmarks of other walkers are skipped. */
static const struct mapping* next_mapping_locked(struct vmo* vmo, struct list_node* bookmark) {
    for (;;) {
        struct list_node* next = bookmark->next;
        if (next == &vmo->mappings.head)
            return NULL;
        list_remove(bookmark);
        list_insert_before(next->next, bookmark);
        const struct mapping* mapping = LIST_ENTRY(next, struct mapping_link, node)->mapping;
        if (mapping)
            return mapping;
    }
}

/* Walks the VMO's list of mappings. An address space's lock comes before the VMO's, and the VMO's
 * lock may not be held for long. So the walker drops the VMO's lock for each mapping, and leaves a
 * bookmark in the list.
 *
 * What may happen while the lock is dropped:
 * 1. A mapping is added. It has no pages yet, and the faults that bring them in see the change that
 *    this walk serves. New mappings join at the front, behind the bookmark, so a program that maps
 *    without end cannot keep the walker busy.
 * 2. A mapping is removed, and another mapping gets its addresses. The other mapping then has one
 *    fault too many.
 * 3. The address space dies. An address space without references is about to unmap everything
 *    itself, and no CPU runs a program in it. Until then its mapping is in this list, so under the
 *    VMO's lock the pointer to it is valid. */
bool vmo_unmap_everywhere(struct vmo* vmo, size_t first, size_t count) {
    struct mapping_link bookmark = {0};
    const struct mapping* mapping;
    bool is_killed = false;
    spin_lock(&vmo->lock);
    list_push_front(&vmo->mappings, &bookmark.node);
    for (size_t seen = 1; !is_killed && (mapping = next_mapping_locked(vmo, &bookmark.node));
         seen++) {
        struct shown_range range = range_shown(mapping, first, count);
        if (!range.aspace && seen % MAPPINGS_SEEN_AT_ONCE != 0)
            continue;
        spin_unlock(&vmo->lock);
        if (range.aspace) {
            spin_lock(&range.aspace->lock);
            page_table_unmap(&range.aspace->page_table, range.base, range.size);
            spin_unlock(&range.aspace->lock);
            aspace_release(range.aspace);
        }
        is_killed = context_is_killed();
        spin_lock(&vmo->lock);
    }
    list_remove(&bookmark.node);
    spin_unlock(&vmo->lock);
    return !is_killed;
}
