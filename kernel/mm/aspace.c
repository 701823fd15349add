#include <mm/vmar_internal.h>

#include <abi/errors.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/layout.h>
#include <arch/upcalls.h>
#include <debug/panic.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmo_internal.h>

_Static_assert(offsetof(struct aspace, page_table) == 0, "see aspace_page_table");

static struct slab_cache aspace_cache =
    SLAB_CACHE_INITIALIZER(aspace_cache, "address space", sizeof(struct aspace));

/* --- life ------------------------------------------------------------------------------------ */

zx_status_t aspace_create(struct aspace** out) {
    struct aspace* aspace = slab_alloc(&aspace_cache);
    if (!aspace)
        return ZX_ERR_NO_MEMORY;
    *aspace = (struct aspace){.references = 1, .lock = SPINLOCK_INITIALIZER(LOCK_ASPACE)};
    aspace->root = vmar_create_root(aspace);
    if (!aspace->root)
        goto free_aspace;
    if (page_table_init(&aspace->page_table) != ZX_OK)
        goto free_root;
    *out = aspace;
    return ZX_OK;

free_root:
    vmar_release(aspace->root);
free_aspace:
    slab_free(&aspace_cache, aspace);
    return ZX_ERR_NO_MEMORY;
}

void aspace_reference(struct aspace* aspace) {
    atomic_fetch_add_explicit(&aspace->references, 1, memory_order_relaxed);
}

bool aspace_try_reference(struct aspace* aspace) {
    uint32_t count = atomic_load_explicit(&aspace->references, memory_order_relaxed);
    while (count > 0)
        if (atomic_compare_exchange_weak_explicit(&aspace->references, &count, count + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}

/* A CPU that runs a kernel thread keeps the page tables of the last program loaded. When this is
 * called, that program has no thread left. So no CPU loads the tables again. */
static void evict_here(void* argument) {
    struct cpu* cpu = this_cpu();
    if (cpu->active_aspace != argument)
        return;
    page_table_switch(aspace_page_table(argument), NULL);
    cpu->active_aspace = NULL;
}

/* Preemption is off, so that `here` stays this CPU until the others have been asked. */
static void evict(struct aspace* aspace) {
    preempt_disable();
    interrupt_state_t state = interrupts_save_and_disable();
    evict_here(aspace);
    interrupts_restore(state);
    uint32_t active = atomic_load(&aspace->page_table.active_cpus);
    if (active)
        ipi_call(active, evict_here, aspace);
    preempt_enable();
}

/* The count is lowered with acquire and release order: the thread that drops the last reference
 * sees all that others did to the address space before. CPUs that still have the page tables loaded
 * are made to leave them before the tables are freed. */
void aspace_release(struct aspace* aspace) {
    if (atomic_fetch_sub_explicit(&aspace->references, 1, memory_order_acq_rel) > 1)
        return;
    aspace_destroy_mappings(aspace);
    evict(aspace);
    page_table_destroy(&aspace->page_table);
    vmar_release(aspace->root);
    slab_free(&aspace_cache, aspace);
}

/* `is_dead` is set in the same lock hold that empties the tree, so nothing can be mapped
 * afterwards. The mappings are freed after the unlock: dropping a VMO may run its end. */
void aspace_destroy_mappings(struct aspace* aspace) {
    struct list dead = LIST_INITIALIZER(dead);
    spin_lock(&aspace->lock);
    aspace->is_dead = true;
    aspace->root->is_alive = false;
    vmar_clear_locked(aspace->root, &dead);
    spin_unlock(&aspace->lock);
    mapping_bury(&dead);
}

void aspace_allow_wx(struct aspace* aspace) {
    spin_lock(&aspace->lock);
    aspace->is_wx_allowed = true;
    spin_unlock(&aspace->lock);
}

struct vmar* aspace_root(struct aspace* aspace) {
    return aspace->root;
}

/* --- page faults --------------------------------------------------------------------------------
 */

static bool is_permitted(const struct mapping* mapping, const struct page_fault* fault) {
    uint32_t needed = fault->is_write     ? ZX_VM_PERM_WRITE
                      : fault->is_execute ? ZX_VM_PERM_EXECUTE
                                          : ZX_VM_PERM_READ;
    return mapping->permissions & needed;
}

/* The page is mapped already: another CPU was first, or it was mapped for reading only. */
static bool replace_page(struct page_table* table, virtual_address_t address,
                         physical_address_t physical, uint32_t flags) {
    physical_address_t present;
    uint32_t present_flags;
    if (page_table_query(table, address, &present, &present_flags) &&
        present.value == physical.value) {
        page_table_protect(table, address, PAGE_SIZE, flags);
        return true;
    }
    page_table_unmap(table, address, PAGE_SIZE);
    return page_table_map(table, address, physical, flags) == ZX_OK;
}

static bool enter_page(struct aspace* aspace, virtual_address_t address,
                       physical_address_t physical, uint32_t flags) {
    zx_status_t status = page_table_map(&aspace->page_table, address, physical, flags);
    if (unlikely(status == ZX_ERR_ALREADY_EXISTS))
        return replace_page(&aspace->page_table, address, physical, flags);
    return status == ZX_OK;
}

/* The part of a fault that can be done under the locks. If the page at *index has to be forked
 * first, *fork is its VMO, with a reference.
 *
 * The VMO's lock is held until the page is in the page tables. So a fork or a clone either finds
 * the page not mapped, or finds the mapping and removes it (vmo_fork.c). */
static bool fault_locked(struct aspace* aspace, const struct page_fault* fault, struct vmo** fork,
                         size_t* index) {
    virtual_address_t address = ALIGN_DOWN(fault->address, PAGE_SIZE);
    struct mapping* mapping = vmar_mapping_at_locked(aspace->root, address);
    if (!mapping || !is_permitted(mapping, fault))
        return false;
    struct vmo* vmo = mapping->vmo;
    *index = (address - region_base(&mapping->region) + mapping->vmo_offset) >> PAGE_SHIFT;
    if (unlikely(*index >= vmo->size >> PAGE_SHIFT))
        return false; /* past the VMO's end: the only place that checks this */
    physical_address_t physical;
    bool is_shared;
    bool is_resolved = true;
    spin_lock_inner(&vmo->lock);
    enum vmo_page_result result =
        vmo_page_locked(vmo, *index, fault->is_write, &physical, &is_shared);
    if (result == VMO_PAGE_OK) {
        uint32_t permissions = mapping->permissions & ~(is_shared ? ZX_VM_PERM_WRITE : 0);
        is_resolved = enter_page(aspace, address, physical, mapping_paging_flags(permissions));
    }
    spin_unlock_inner(&vmo->lock);
    if (result == VMO_PAGE_SHARED) {
        vmo_reference(vmo);
        *fork = vmo;
    }
    return is_resolved && result != VMO_PAGE_NO_MEMORY;
}

/* Also true if the access should be tried again. A program that was killed meanwhile ends before it
 * tries. The kernel's own access would be tried again at once, so it fails instead. */
bool aspace_fault(struct aspace* aspace, const struct page_fault* fault) {
    for (;;) {
        struct vmo* fork = NULL;
        size_t index;
        spin_lock(&aspace->lock);
        bool is_resolved = fault_locked(aspace, fault, &fork, &index);
        spin_unlock(&aspace->lock);
        if (likely(!fork))
            return is_resolved;
        zx_status_t status = vmo_fork_page(fork, index);
        vmo_release(fork);
        if (status != ZX_OK)
            return status == ZX_ERR_CANCELED && fault->is_user;
    }
}

/* The faulting thread has its own page tables loaded, and keeps the address space alive while it
 * runs. */
static struct aspace* aspace_of_fault(const struct page_fault* fault) {
    preempt_disable();
    struct aspace* aspace = this_cpu()->active_aspace;
    preempt_enable();
    return fault->address < USER_ADDRESS_END ? aspace : NULL;
}

bool page_fault_handle(const struct page_fault* fault) {
    struct aspace* aspace = aspace_of_fault(fault);
    return aspace && aspace_fault(aspace, fault);
}

/* Another CPU may have resolved the same fault first. The lock keeps the tables still during the
 * look. */
bool page_fault_is_spurious(const struct page_fault* fault) {
    struct aspace* aspace = aspace_of_fault(fault);
    if (!aspace)
        return false;
    uint32_t needed = fault->is_write     ? PAGING_WRITE
                      : fault->is_execute ? PAGING_EXECUTE
                                          : PAGING_READ;
    physical_address_t physical;
    uint32_t flags;
    spin_lock(&aspace->lock);
    bool is_mapped = page_table_query(&aspace->page_table, fault->address, &physical, &flags);
    spin_unlock(&aspace->lock);
    return is_mapped && flags & needed;
}
