#include <mm/vmo.h>

#include <abi/errors.h>
#include <debug/panic.h>
#include <lib/reference.h>
#include <lib/units.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmo_internal.h>

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

void vmo_reference(struct vmo* vmo) {
    atomic_fetch_add_explicit(&vmo->references, 1, memory_order_relaxed);
}

void vmo_page_release(struct page* page) {
    if (atomic_fetch_sub(&page->references, 1) == 1)
        page_free(page);
}

/* A fork may have left the page not settled. The VMO has no mappings, and no other thread knows it.
 */
static void end_page(struct page* page, void* argument) {
    struct vmo* vmo = argument;
    if (vmo->unsettled_count > 0 && vmo_is_unsettled_locked(vmo, page))
        vmo_page_release(vmo_settle_locked(vmo, page));
    vmo_page_release(page);
}

/* Each mapping held a reference, so there are no mappings. True: there is more to free. */
static bool vmo_free_some(struct vmo* vmo, int64_t* units) {
    ASSERT(list_is_empty(&vmo->mappings));
    if (page_list_empty_some(&vmo->pages, end_page, vmo, units))
        return true;
    if (vmo->end)
        vmo->end->on_end(vmo->end);
    slab_free(&vmo_cache, vmo);
    *units -= 1;
    return false;
}

bool vmo_release_some(struct vmo* vmo, int64_t* units) {
    return reference_drop_once(&vmo->references) && vmo_free_some(vmo, units);
}

void vmo_release(struct vmo* vmo) {
    int64_t units = UNITS_WITHOUT_END;
    (void)vmo_release_some(vmo, &units);
}

void vmo_set_end(struct vmo* vmo, struct vmo_end* end) {
    vmo->end = end;
}

uint64_t vmo_size(const struct vmo* vmo) {
    return vmo->size;
}

/* --- pages ------------------------------------------------------------------------------------ */

static struct page* commit_locked(struct vmo* vmo, struct page** slot) {
    struct page* page = page_alloc_zeroed();
    if (!page)
        return NULL;
    page->references = 1;
    *slot = page;
    vmo->committed++;
    return page;
}

/* Returns the page of a paged VMO, and allocates it if it was not there; NULL: no memory. */
static inline struct page* page_at_locked(struct vmo* vmo, size_t index) {
    struct page** slot = page_list_slot(&vmo->pages, index);
    if (!slot)
        return NULL;
    return *slot ? *slot : commit_locked(vmo, slot);
}

enum vmo_page_result vmo_page_locked(struct vmo* vmo, size_t index, bool for_writing,
                                     physical_address_t* physical, bool* is_shared) {
    *is_shared = false;
    if (vmo->kind == VMO_PHYSICAL) {
        *physical = physical_address(vmo->physical.value + (index << PAGE_SHIFT));
        return VMO_PAGE_OK;
    }
    struct page* page = page_at_locked(vmo, index);
    if (!page)
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
    return page ? page_to_virtual(page) : NULL;
}
