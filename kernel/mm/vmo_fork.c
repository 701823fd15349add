/* Copy-on-write.
 *
 * A clone is a snapshot: it shares the pages its parent has at that moment, and the two have
 * nothing else to do with each other. Whoever writes to a shared page first forks it.
 *
 * Sharing starts in two steps: the counts go up under the VMO's lock, then the pages are taken out
 * of every mapping of the parent. From the first step on no fault maps them for writing; the call
 * returns after the second, so no write that follows it reaches a shared page.
 *
 * Forking one page: it is marked busy, which turns new faults and copies away; it is unmapped
 * wherever this VMO is mapped; then the copy takes its place. So no mapping shows the old page once
 * somebody can write to the new one. The old page does not change meanwhile: this VMO's share keeps
 * it shared, so nobody writes to it.
 */
#include <mm/vmo_internal.h>

#include <abi/errors.h>
#include <mm/page.h>

struct share_request {
    struct page_list* to;
    size_t first;
    size_t count;
};

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

/* Pages of others have no counts: they are copied at once. */
static zx_status_t copy_physical(const struct vmo* parent, uint64_t offset, struct vmo* clone) {
    const char* from = physical_to_virtual(physical_address(parent->physical.value + offset));
    size_t available = offset < parent->size ? parent->size - offset : 0;
    return vmo_write(clone, from, 0, MIN(available, clone->size));
}

static zx_status_t share_pages(struct vmo* parent, uint64_t offset, struct vmo* clone) {
    struct share_request request = {.to = &clone->pages, .first = offset >> PAGE_SHIFT};
    size_t parent_count = parent->size >> PAGE_SHIFT;
    size_t count = 0;
    if (request.first < parent_count)
        count = MIN(parent_count - request.first, clone->size >> PAGE_SHIFT);
    spin_lock(&parent->lock);
    bool is_complete =
        page_list_for_each(&parent->pages, request.first, count, share_page, &request);
    spin_unlock(&parent->lock);
    clone->committed = request.count;
    if (request.count > 0)
        vmo_unmap_everywhere(parent, request.first, count);
    return is_complete ? ZX_OK : ZX_ERR_NO_MEMORY;
}

zx_status_t vmo_create_clone(struct vmo* parent, uint64_t offset, uint64_t size, struct vmo** out) {
    if (!IS_ALIGNED(offset, PAGE_SIZE))
        return ZX_ERR_INVALID_ARGS;
    struct vmo* clone;
    zx_status_t status = vmo_create(size, &clone);
    if (status != ZX_OK)
        return status;
    status = parent->kind == VMO_PHYSICAL ? copy_physical(parent, offset, clone)
                                          : share_pages(parent, offset, clone);
    if (status == ZX_OK)
        *out = clone;
    else
        vmo_release(clone);
    return status;
}

/* Marks the page at `index` busy; NULL: somebody else is forking, or there is nothing to fork any
 * more. */
static struct page* begin_fork(struct vmo* vmo, size_t index) {
    spin_lock(&vmo->lock);
    struct page* page = page_list_get(&vmo->pages, index);
    if (vmo->forking != VMO_NOT_FORKING || !page || atomic_load(&page->references) == 1)
        page = NULL;
    else
        vmo->forking = index;
    spin_unlock(&vmo->lock);
    return page;
}

zx_status_t vmo_fork_page(struct vmo* vmo, size_t index) {
    struct page* old = begin_fork(vmo, index);
    if (!old)
        return ZX_OK; /* look again */
    struct page* copy = page_alloc();
    if (copy) {
        page_copy(copy, old);
        copy->references = 1;
        vmo_unmap_everywhere(vmo, index, 1);
    }
    spin_lock(&vmo->lock);
    if (copy)
        *page_list_slot(&vmo->pages, index) = copy; /* the slot is there: it held `old` */
    vmo->forking = VMO_NOT_FORKING;
    spin_unlock(&vmo->lock);
    if (!copy)
        return ZX_ERR_NO_MEMORY;
    vmo_page_release(old);
    return ZX_OK;
}
