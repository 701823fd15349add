#include <mm/vmo_internal.h>

#include <abi/errors.h>
#include <arch/context.h>
#include <arch/user_copy.h>
#include <debug/panic.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>

#define VMO_SIZE_MAX (1ul << 40)

static struct slab_cache vmo_cache = SLAB_CACHE_INITIALIZER(vmo_cache, "VMO", sizeof(struct vmo));

/* --- life ------------------------------------------------------------------------------------ */

static zx_status_t create_vmo(uint64_t size, enum vmo_kind kind, struct vmo** out) {
    if (size > VMO_SIZE_MAX)
        return ZX_ERR_OUT_OF_RANGE;
    struct vmo* vmo = slab_alloc(&vmo_cache);
    if (!vmo)
        return ZX_ERR_NO_MEMORY;
    size = ALIGN_UP(size, PAGE_SIZE);
    *vmo = (struct vmo){
        .references = 1,
        .kind = kind,
        .size = size,
        .lock = SPINLOCK_INITIALIZER(LOCK_VMO),
    };
    list_init(&vmo->mappings);
    page_list_init(&vmo->pages, kind == VMO_PAGED ? size >> PAGE_SHIFT : 0);
    *out = vmo;
    return ZX_OK;
}

zx_status_t vmo_create(uint64_t size, struct vmo** out) {
    return create_vmo(size, VMO_PAGED, out);
}

zx_status_t vmo_create_physical(physical_address_t address, uint64_t size, struct vmo** out) {
    ASSERT(IS_ALIGNED(address.value, PAGE_SIZE));
    zx_status_t status = create_vmo(size, VMO_PHYSICAL, out);
    if (status == ZX_OK)
        (*out)->physical = address;
    return status;
}

/* Splits the block into single pages. Pages behind the VMO's end go back. */
static zx_status_t adopt_block(struct vmo* vmo, struct page* block, unsigned order) {
    size_t wanted = vmo->size >> PAGE_SHIFT;
    for (size_t i = 0; i < 1ul << order; i++) {
        block[i].state = PAGE_ALLOCATED;
        block[i].order = 0;
        block[i].references = 1;
    }
    size_t adopted = 0;
    for (; adopted < wanted; adopted++) {
        struct page** slot = page_list_slot(&vmo->pages, adopted);
        if (!slot)
            break;
        page_clear(&block[adopted]);
        *slot = &block[adopted];
        vmo->committed++;
    }
    for (size_t i = adopted; i < 1ul << order; i++)
        page_free(&block[i]);
    return adopted == wanted ? ZX_OK : ZX_ERR_NO_MEMORY;
}

zx_status_t vmo_create_contiguous(uint64_t size, struct vmo** out) {
    struct vmo* vmo;
    zx_status_t status = create_vmo(size, VMO_PAGED, &vmo);
    if (status != ZX_OK)
        return status;
    unsigned order = 0;
    while (PAGE_SIZE << order < vmo->size && order <= PAGE_MAX_ORDER)
        order++;
    if (vmo->size > 0) {
        struct page* block = page_alloc_order(order);
        status = block ? adopt_block(vmo, block, order) : ZX_ERR_NO_MEMORY;
    }
    if (status == ZX_OK)
        *out = vmo;
    else
        vmo_release(vmo);
    return status;
}

void vmo_reference(struct vmo* vmo) {
    atomic_fetch_add_explicit(&vmo->references, 1, memory_order_relaxed);
}

void vmo_page_release(struct page* page) {
    if (atomic_fetch_sub(&page->references, 1) == 1)
        page_free(page);
}

static void end_page(struct page* page, void* argument) {
    struct vmo* vmo = argument;
    if (vmo->unsettled_count > 0)
        vmo_settle_at_end(vmo, page);
    vmo_page_release(page);
}

/* Each mapping holds a reference, so at the last release there are no mappings. */
void vmo_release(struct vmo* vmo) {
    if (atomic_fetch_sub_explicit(&vmo->references, 1, memory_order_acq_rel) > 1)
        return;
    ASSERT(list_is_empty(&vmo->mappings));
    while (!page_list_empty_piece(&vmo->pages, end_page, vmo))
        ;
    if (unlikely(vmo->end))
        vmo->end->on_end(vmo->end);
    slab_free(&vmo_cache, vmo);
}

bool vmo_drain(struct vmo* vmo) {
    return atomic_load_explicit(&vmo->references, memory_order_acquire) == 1 &&
           !page_list_empty_piece(&vmo->pages, end_page, vmo);
}

void vmo_set_end(struct vmo* vmo, struct vmo_end* end) {
    vmo->end = end;
}

uint64_t vmo_size(const struct vmo* vmo) {
    return vmo->size;
}

size_t vmo_committed_pages(struct vmo* vmo) {
    spin_lock(&vmo->lock);
    size_t committed = vmo->committed;
    spin_unlock(&vmo->lock);
    return committed;
}

/* --- pages ------------------------------------------------------------------------------------ */

static struct page* commit_locked(struct vmo* vmo, struct page** slot) {
    struct page* page = page_alloc_zeroed();
    if (unlikely(!page))
        return NULL;
    page->references = 1;
    *slot = page;
    vmo->committed++;
    return page;
}

/* The page of a paged VMO, allocated if it was not there; NULL: no memory. */
static inline struct page* page_at_locked(struct vmo* vmo, size_t index) {
    struct page** slot = page_list_slot(&vmo->pages, index);
    if (unlikely(!slot))
        return NULL;
    return likely(*slot) ? *slot : commit_locked(vmo, slot);
}

enum vmo_page_result vmo_page_locked(struct vmo* vmo, size_t index, bool for_writing,
                                     physical_address_t* physical, bool* is_shared) {
    *is_shared = false;
    if (vmo->kind == VMO_PHYSICAL) {
        *physical = physical_address(vmo->physical.value + (index << PAGE_SHIFT));
        return VMO_PAGE_OK;
    }
    struct page* page = page_at_locked(vmo, index);
    if (unlikely(!page))
        return VMO_PAGE_NO_MEMORY;
    *is_shared = atomic_load(&page->references) > 1;
    if (*is_shared && for_writing)
        return VMO_PAGE_SHARED;
    *physical = page_to_physical(page);
    return VMO_PAGE_OK;
}

/* The VMO has no clones, so the page is not shared and may be written to. */
void* vmo_page_address(struct vmo* vmo, size_t index) {
    ASSERT(vmo->kind == VMO_PAGED);
    spin_lock(&vmo->lock);
    const struct page* page = page_at_locked(vmo, index);
    spin_unlock(&vmo->lock);
    return likely(page) ? page_to_virtual(page) : NULL;
}

/* --- copies ----------------------------------------------------------------------------------- */

/* Copies a part of one page, in one direction, with the VMO's lock held. False: user memory is not
 * present. */
typedef bool (*copy_function_t)(void* in_page, uintptr_t other, size_t size);

/* Copies page by page. Under the VMO's lock no page fault can be resolved: if a user page is not
 * present, the copy fails, the lock is dropped, and `bring_in` faults the page in. The callers have
 * checked the whole user range before.
 *
 * A kill is looked for before each page but the first, and before each new try. */
static zx_status_t copy_pages(struct vmo* vmo, uint64_t offset, size_t size, uintptr_t other,
                              bool is_write, copy_function_t copy_part,
                              bool (*bring_in)(uintptr_t address, size_t size)) {
    if (offset > vmo->size || size > vmo->size - offset)
        return ZX_ERR_OUT_OF_RANGE;
    for (size_t done = 0; done < size;) {
        size_t index = (offset + done) >> PAGE_SHIFT;
        size_t in_page = (offset + done) % PAGE_SIZE;
        size_t part = MIN(size - done, PAGE_SIZE - in_page);
        physical_address_t physical;
        bool is_shared;
        bool is_copied = false;
        spin_lock(&vmo->lock);
        enum vmo_page_result result = vmo_page_locked(vmo, index, is_write, &physical, &is_shared);
        if (result == VMO_PAGE_OK)
            is_copied =
                copy_part((char*)physical_to_virtual(physical) + in_page, other + done, part);
        spin_unlock(&vmo->lock);
        if (result == VMO_PAGE_NO_MEMORY)
            return ZX_ERR_NO_MEMORY;
        if (result == VMO_PAGE_SHARED) {
            zx_status_t status = vmo_fork_page(vmo, index);
            if (status != ZX_OK)
                return status;
        } else if (is_copied) {
            done += part;
        } else if (result == VMO_PAGE_OK && !bring_in(other + done, part)) {
            return ZX_ERR_INVALID_ARGS;
        }
        if (done < size && unlikely(context_is_killed()))
            return ZX_ERR_CANCELED;
    }
    return ZX_OK;
}

static bool copy_to_kernel(void* in_page, uintptr_t other, size_t size) {
    memcpy((void*)other, in_page, size);
    return true;
}

static bool copy_from_kernel(void* in_page, uintptr_t other, size_t size) {
    memcpy(in_page, (const void*)other, size);
    return true;
}

static bool copy_to_user(void* in_page, uintptr_t other, size_t size) {
    return user_copy_out(other, in_page, size);
}

static bool copy_from_user(void* in_page, uintptr_t other, size_t size) {
    return user_copy_in(in_page, other, size);
}

static bool bring_in_to_write(uintptr_t address, size_t size) {
    return user_fault_in(address, size, true);
}

static bool bring_in_to_read(uintptr_t address, size_t size) {
    return user_fault_in(address, size, false);
}

zx_status_t vmo_read(struct vmo* vmo, void* to, uint64_t offset, size_t size) {
    return copy_pages(vmo, offset, size, (uintptr_t)to, false, copy_to_kernel, bring_in_to_write);
}

zx_status_t vmo_write(struct vmo* vmo, const void* from, uint64_t offset, size_t size) {
    return copy_pages(vmo, offset, size, (uintptr_t)from, true, copy_from_kernel, bring_in_to_read);
}

zx_status_t vmo_read_user(struct vmo* vmo, uintptr_t to_user, uint64_t offset, size_t size) {
    if (offset > vmo->size || size > vmo->size - offset)
        return ZX_ERR_OUT_OF_RANGE;
    if (!user_fault_in(to_user, size, true))
        return ZX_ERR_INVALID_ARGS;
    return copy_pages(vmo, offset, size, to_user, false, copy_to_user, bring_in_to_write);
}

zx_status_t vmo_write_user(struct vmo* vmo, uintptr_t from_user, uint64_t offset, size_t size) {
    if (offset > vmo->size || size > vmo->size - offset)
        return ZX_ERR_OUT_OF_RANGE;
    if (!user_fault_in(from_user, size, false))
        return ZX_ERR_INVALID_ARGS;
    return copy_pages(vmo, offset, size, from_user, true, copy_from_user, bring_in_to_read);
}
