#include <mm/page_fault.h>

#include <abi/errors.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/layout.h>
#include <arch/upcalls.h>
#include <mm/mapping.h>
#include <mm/vmar_internal.h>
#include <mm/vmo_fork.h>
#include <mm/vmo_internal.h>

static uint32_t needed_permission(const struct page_fault* fault) {
    return fault->is_write     ? ZX_VM_PERM_WRITE
           : fault->is_execute ? ZX_VM_PERM_EXECUTE
                               : ZX_VM_PERM_READ;
}

/* Called if a page is mapped already: another CPU was first, or the page was mapped for reading
 * only. */
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
    if (status == ZX_ERR_ALREADY_EXISTS)
        return replace_page(&aspace->page_table, address, physical, flags);
    return status == ZX_OK;
}

/* Does the part of a fault that can be done under the locks. If the page at *index has to be forked
 * first, *fork is its VMO, with a reference.
 *
 * The VMO's lock is held until the page is in the page tables. So a fork or a clone either finds
 * the page not mapped, or finds the mapping and removes it (vmo_fork.c). */
static bool fault_locked(struct aspace* aspace, const struct page_fault* fault, struct vmo** fork,
                         size_t* index) {
    virtual_address_t address = ALIGN_DOWN(fault->address, PAGE_SIZE);
    struct mapping* mapping = vmar_mapping_at_locked(aspace->root, address);
    if (!mapping || !(mapping->permissions & needed_permission(fault)))
        return false;
    struct vmo* vmo = mapping->vmo;
    *index = (address - region_base(&mapping->region) + mapping->vmo_offset) >> PAGE_SHIFT;
    if (*index >= vmo->size >> PAGE_SHIFT)
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

/* Also returns true if the access should be tried again. A program that was killed meanwhile ends
 * before it tries again. The kernel would try its own access again at once, so for the kernel a
 * kill is a failure. */
bool aspace_fault(struct aspace* aspace, const struct page_fault* fault) {
    for (;;) {
        struct vmo* fork = NULL;
        size_t index;
        spin_lock(&aspace->lock);
        bool is_resolved = fault_locked(aspace, fault, &fork, &index);
        spin_unlock(&aspace->lock);
        if (!fork)
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
    physical_address_t physical;
    uint32_t flags;
    spin_lock(&aspace->lock);
    bool is_mapped = page_table_query(&aspace->page_table, fault->address, &physical, &flags);
    spin_unlock(&aspace->lock);
    return is_mapped && !(mapping_paging_flags(needed_permission(fault)) & ~flags);
}
