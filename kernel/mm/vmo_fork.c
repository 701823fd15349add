/* Copy-on-write.
 *
 * A clone is a snapshot: it shares the pages its parent has at that moment, and the two have
 * nothing else to do with each other. A VMO that wants to write to a shared page first forks it.
 *
 * A page is shared while its `references` are more than one. A shared page is never written to by
 * the kernel, and no fault maps it for writing.
 *
 * Cloning goes piece by piece, in two steps for each:
 *   C1. The counts of the pages go up, under the parent's lock.
 *   C2. The pages are taken out of every mapping of the parent.
 * Between the two, a mapping made before C1 may still write to a page. The call returns after the
 * last C2. So each page of the clone is the parent's page as it was at one moment during the call:
 * writes that ended before the call are in it, and writes that begin after it are not.
 * `parent->sharing_calls` counts the clones between their first C1 and their end.
 *
 * Forking a page. No step waits for another thread:
 *   F1. A reference to the old page is taken, under the VMO's lock. With it the page stays shared
 *       as long as it is in its slot, so nothing begins to write to it.
 *   F2. If a clone of this VMO is being made, a mapping from before its C1 may still write to the
 *       old page. So the page is taken out of every mapping first. A later clone does not matter:
 *       the page was shared by then, and no mapping was writable. A fork that began during a clone
 *       counts as one of the `sharing_calls` too: the clone may fail before its C2, and then only
 *       the reference of F1 keeps the page shared.
 *   F3. The page is copied, with no lock held. It does not change, by F1 and F2.
 *   F4. The copy takes the old page's slot, under the lock, if no other thread was first. It is not
 *       settled yet: it has one reference more, so it counts as shared. From here on faults map the
 *       copy, for reading only. The VMO keeps its share of the old page.
 *   F5. The index is taken out of every mapping of the VMO. No mapping shows the old page any more.
 *   F6. The copy is settled: it loses the reference of F4 and may be written to. Only now does the
 *       VMO give up its share of the old page.
 * So no mapping shows the old page once a thread can write to the copy (F5 before F6). And no
 * mapping shows the old page once another VMO can write to that (its share goes at F6).
 *
 * Several threads may fork one page:
 *   T1. Each makes a copy of its own. The first one at F4 wins, the others drop their copies.
 *   T2. A thread that finds a page not settled does F5 and F6 itself. It does not wait for the
 *       thread that did F4, which may be less urgent and may not run. The first one at F6 settles
 *       the page; the others find it settled. Each compares the page's `fork_number` with the one
 *       it saw before F5. A page that was put into the slot since then has another number, and is
 *       not settled by this F5.
 *   T3. A killed thread leaves between two steps. Before F4 it has changed nothing. After F4 the
 *       page stays not settled until the next thread writes to it, or until the VMO goes.
 *
 * Only a new clone makes a settled page shared again. So a thread that wants to write repeats this
 * only as often as clones are made meanwhile.
 */
#include <mm/vmo_fork.h>

#include <abi/errors.h>
#include <arch/context.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/vmo_internal.h>
#include <mm/vmo_unmap.h>

/* The number of pages that are shared in one lock hold and then unmapped. The number is bounded, so
 * the clone of a large VMO does not keep preemption off for long, and notices a kill. */
#define SHARE_PIECE 512ul

/* --- cloning ---------------------------------------------------------------------------------- */

struct share_request {
    struct page_list* to;
    size_t first;
    size_t count;
};

/* C1 for one page, under the parent's lock: the page is shared from here on. */
static bool share_page(struct page* page, size_t index, void* argument) {
    struct share_request* request = argument;
    struct page** slot = page_list_slot(request->to, index - request->first);
    if (!slot)
        return false;
    atomic_fetch_add(&page->references, 1);
    *slot = page;
    request->count++;
    return true;
}

/* Physical memory has no reference counts, so its pages are copied at once. */
static zx_status_t copy_physical(const struct vmo* parent, uint64_t offset, struct vmo* clone) {
    const char* from = physical_to_virtual(physical_address(parent->physical.value + offset));
    size_t available = offset < parent->size ? parent->size - offset : 0;
    size_t count = MIN(available, clone->size) >> PAGE_SHIFT;
    for (size_t index = 0; index < count; index++) {
        if (context_is_killed())
            return ZX_ERR_CANCELED;
        void* page = vmo_page_address(clone, index);
        if (!page)
            return ZX_ERR_NO_MEMORY;
        memcpy(page, from + (index << PAGE_SHIFT), PAGE_SIZE);
    }
    return ZX_OK;
}

/* Shares the pages of one piece, from *index on, and moves *index behind the piece. */
static zx_status_t share_piece(struct vmo* parent, size_t* index, size_t end,
                               struct share_request* request) {
    size_t first = *index, shared_before = request->count;
    spin_lock(&parent->lock);
    size_t count = page_list_hole_size(&parent->pages, first);
    bool is_complete = true;
    if (count == 0) {
        count = MIN(end - first, SHARE_PIECE);
        is_complete = page_list_for_each(&parent->pages, first, count, share_page, request);
    }
    spin_unlock(&parent->lock); /* C1 is done */
    *index = first + count;
    if (!is_complete)
        return ZX_ERR_NO_MEMORY;
    bool is_shown = request->count > shared_before;
    if (context_is_killed() || (is_shown && !vmo_unmap_everywhere(parent, first, count))) /* C2 */
        return ZX_ERR_CANCELED;
    return ZX_OK;
}

static zx_status_t share_pages(struct vmo* parent, uint64_t offset, struct vmo* clone) {
    struct share_request request = {.to = &clone->pages, .first = offset >> PAGE_SHIFT};
    size_t parent_count = parent->size >> PAGE_SHIFT;
    size_t end = request.first;
    if (request.first < parent_count)
        end += MIN(parent_count - request.first, clone->size >> PAGE_SHIFT);
    zx_status_t status = ZX_OK;
    for (size_t index = request.first; status == ZX_OK && index < end;)
        status = share_piece(parent, &index, end, &request);
    clone->committed = request.count;
    return status;
}

static void count_sharing_calls(struct vmo* vmo, int change) {
    spin_lock(&vmo->lock);
    vmo->sharing_calls += (uint32_t)change;
    spin_unlock(&vmo->lock);
}

/* A clone that fails drops its shares first, and leaves `sharing_calls` afterwards. Until then some
 * mappings may still write to shared pages, because C2 did not reach them. */
zx_status_t vmo_create_clone(struct vmo* parent, uint64_t offset, uint64_t size, struct vmo** out) {
    if (!IS_ALIGNED(offset, PAGE_SIZE))
        return ZX_ERR_INVALID_ARGS;
    struct vmo* clone;
    zx_status_t status = vmo_create(size, &clone);
    if (status != ZX_OK)
        return status;
    count_sharing_calls(parent, 1);
    status = parent->kind == VMO_PHYSICAL ? copy_physical(parent, offset, clone)
                                          : share_pages(parent, offset, clone);
    if (status == ZX_OK)
        *out = clone;
    else
        vmo_release(clone);
    count_sharing_calls(parent, -1);
    return status;
}

/* --- forking ---------------------------------------------------------------------------------- */

/* F5 and F6 for the page that fork `number` put at `index`. */
static zx_status_t settle(struct vmo* vmo, size_t index, uint64_t number) {
    struct page* replaced = NULL;
    if (!vmo_unmap_everywhere(vmo, index, 1)) /* F5 */
        return ZX_ERR_CANCELED;               /* T3 */
    spin_lock(&vmo->lock);
    struct page* page = page_list_get(&vmo->pages, index);
    if (vmo_is_unsettled_locked(vmo, page) && page->fork_number == number) /* T2 */
        replaced = vmo_settle_locked(vmo, page);                           /* F6 */
    spin_unlock(&vmo->lock);
    if (replaced)
        vmo_page_release(replaced);
    return ZX_OK;
}

/* F4. Returns the number of the fork; 0: another thread was first. */
static uint64_t exchange(struct vmo* vmo, size_t index, struct page* old, struct page* copy) {
    uint64_t number = 0;
    spin_lock(&vmo->lock);
    struct page** slot = page_list_slot(&vmo->pages, index); /* the slot exists: it held `old` */
    if (*slot == old) {
        number = ++vmo->fork_count;
        copy->references = 2;
        copy->owner = vmo;
        copy->replaced = old;
        copy->fork_number = number;
        vmo->unsettled_count++;
        *slot = copy;
    }
    spin_unlock(&vmo->lock);
    return number;
}

/* F2 to F6. The caller's reference to `old` is dropped. */
static zx_status_t fork(struct vmo* vmo, size_t index, struct page* old, bool may_be_written) {
    zx_status_t status = ZX_OK;
    struct page* copy = NULL;
    uint64_t number = 0;
    if (may_be_written && !vmo_unmap_everywhere(vmo, index, 1)) /* F2 */
        status = ZX_ERR_CANCELED;                               /* T3 */
    else if (!(copy = page_alloc()))
        status = ZX_ERR_NO_MEMORY;
    if (copy) {
        page_copy(copy, old); /* F3 */
        number = exchange(vmo, index, old, copy);
        if (number == 0)
            page_free(copy); /* T1 */
    }
    vmo_page_release(old);
    if (may_be_written)
        count_sharing_calls(vmo, -1);
    return number == 0 ? status : settle(vmo, index, number);
}

zx_status_t vmo_fork_page(struct vmo* vmo, size_t index) {
    struct page* shared = NULL;
    uint64_t number = 0;
    spin_lock(&vmo->lock);
    struct page* page = page_list_get(&vmo->pages, index);
    bool may_be_written = vmo->sharing_calls > 0;
    if (page && vmo_is_unsettled_locked(vmo, page)) {
        number = page->fork_number; /* T2 */
    } else if (page && atomic_load(&page->references) > 1) {
        shared = page;
        atomic_fetch_add(&page->references, 1); /* F1 */
        vmo->sharing_calls += may_be_written;   /* F2 */
    }
    spin_unlock(&vmo->lock);
    if (number != 0)
        return settle(vmo, index, number);
    return shared ? fork(vmo, index, shared, may_be_written) : ZX_OK;
}
