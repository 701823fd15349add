#include <mm/aspace.h>

#include <abi/errors.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/layout.h>
#include <debug/panic.h>
#include <lib/units.h>
#include <mm/mapping.h>
#include <mm/slab.h>
#include <mm/vmar_internal.h>

#define ROOT_BASE 0x10000ul /* the first pages stay unmapped, so that NULL pointers fault */

_Static_assert(offsetof(struct aspace, page_table) == 0, "see aspace_page_table");

static struct slab_cache aspace_cache =
    SLAB_CACHE_INITIALIZER(aspace_cache, "address space", sizeof(struct aspace));

/* --- life ------------------------------------------------------------------------------------ */

zx_status_t aspace_create(struct aspace** out) {
    struct aspace* aspace = slab_alloc(&aspace_cache);
    if (!aspace)
        return ZX_ERR_NO_MEMORY;
    *aspace = (struct aspace){.references = 1, .lock = SPINLOCK_INITIALIZER(LOCK_ASPACE)};
    list_init(&aspace->unmapped);
    aspace->root =
        vmar_create(aspace, VMAR_CAPABILITIES, USER_ADDRESS_END, USER_ADDRESS_END - ROOT_BASE);
    aspace->clearing = aspace->root;
    if (aspace->root && page_table_init(&aspace->page_table) == ZX_OK) {
        *out = aspace;
        return ZX_OK;
    }
    if (aspace->root)
        vmar_release(aspace->root);
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

/* Preemption is off, so this CPU loads no other tables between its own step and the call to the
 * other CPUs. Interrupts are on. Another CPU may call for its own eviction meanwhile, but of
 * another address space, so that changes nothing here. */
static void evict(struct aspace* aspace) {
    preempt_disable();
    evict_here(aspace);
    uint32_t active = atomic_load(&aspace->page_table.active_cpus);
    if (active)
        ipi_call(active, evict_here, aspace);
    preempt_enable();
}

/* CPUs that still have the page tables loaded switch away from them before the tables are freed. */
static NOINLINE void aspace_destroy(struct aspace* aspace) {
    if (!aspace->is_dead)
        aspace_destroy_mappings(aspace);
    evict(aspace);
    page_table_destroy(&aspace->page_table);
    vmar_release(aspace->root);
    slab_free(&aspace_cache, aspace);
}

/* The count is lowered with acquire and release order: the thread that drops the last reference
 * sees all that other holders did to the address space before. */
void aspace_release(struct aspace* aspace) {
    if (atomic_fetch_sub_explicit(&aspace->references, 1, memory_order_acq_rel) == 1)
        aspace_destroy(aspace);
}

/* `is_dead` is set in the lock hold that begins to empty the tree, so nothing can be mapped
 * afterwards. */
bool aspace_unmap_some(struct aspace* aspace, int64_t* units) {
    spin_lock(&aspace->lock);
    aspace->is_dead = true;
    bool has_more =
        vmar_remove_some_locked(aspace->root, &aspace->clearing, &aspace->unmapped, units);
    spin_unlock(&aspace->lock);
    return has_more;
}

/* No lock is held: dropping a VMO may run its end. */
bool aspace_free_some_mappings(struct aspace* aspace, int64_t* units) {
    return mapping_bury_some(&aspace->unmapped, units);
}

void aspace_destroy_mappings(struct aspace* aspace) {
    bool has_more;
    do {
        int64_t units = UNITS_PER_PIECE;
        has_more = aspace_unmap_some(aspace, &units) || aspace_free_some_mappings(aspace, &units);
    } while (has_more);
}

void aspace_allow_wx(struct aspace* aspace) {
    spin_lock(&aspace->lock);
    aspace->is_wx_allowed = true;
    spin_unlock(&aspace->lock);
}

struct vmar* aspace_root(struct aspace* aspace) {
    return aspace->root;
}
