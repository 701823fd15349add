/* Stacks are in slots of fixed size. Half of a slot is guard, half is stack. The slot that was
 * freed last is used first. A slot that was never used is taken only if no slot is free. The free
 * slots stand in an array in the kernel area (kernel_area.h), which has room for all slots that
 * were ever used.
 *
 * Freed stacks stay mapped in a pool, chained through their lowest word. When the pool is too
 * large, a batch of them is unmapped:
 * 1. Their pages are taken out of the page tables, under the lock.
 * 2. All CPUs flush their TLBs, once for the whole batch and without the lock.
 * 3. Only now are the pages and the slots free. Before step 2 a CPU could still write to the pages
 *    through an old TLB entry.
 * Table pages stay, for later stacks in the same slots: a CPU may still have their addresses
 * cached. */
#include <mm/kernel_stack.h>

#include <abi/errors.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/upcalls.h>
#include <debug/panic.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lock/spinlock.h>
#include <mm/kernel_area.h>
#include <mm/page.h>

#define STACK_SLOT_SIZE (2 * KERNEL_STACK_SIZE)
#define STACK_PAGES (KERNEL_STACK_SIZE / PAGE_SIZE)
#define POOL_KEPT 64u /* number of freed stacks that are kept */
#define POOL_BATCH 16u
#define TABLE_SPAN (512 * PAGE_SIZE) /* what one table page maps */
#define SLOT_COUNT (KERNEL_STACKS_SIZE / STACK_SLOT_SIZE)
#define SLOTS_PER_PAGE (PAGE_SIZE / sizeof(uint32_t)) /* of the array of free slots */

/* kernel_area_lock guards everything below. */
static uint32_t* const free_slots = (uint32_t*)FREE_SLOTS_BASE;
static uint32_t free_slot_count;
static uint32_t slots_ever_used; /* slots below this one were in use at some time, or are */
static void** pool;
static uint32_t pool_count;

_Static_assert(SLOT_COUNT * sizeof(uint32_t) == FREE_SLOTS_SIZE, "room for each slot");

/* --- slots ------------------------------------------------------------------------------------ */

static virtual_address_t slot_top(uint32_t slot) {
    return KERNEL_STACKS_BASE + (slot + 1ul) * STACK_SLOT_SIZE;
}

static uint32_t slot_of(const void* stack) {
    return (uint32_t)(((virtual_address_t)stack - KERNEL_STACKS_BASE) / STACK_SLOT_SIZE);
}

static bool map_page(virtual_address_t address, struct page* page) {
    return page_table_map(page_table_kernel(), address, page_to_physical(page),
                          PAGING_READ | PAGING_WRITE) == ZX_OK;
}

/* Maps the next page of the array. */
static bool grow_free_slots(void) {
    struct page* page = page_alloc();
    if (!page)
        return false;
    bool is_mapped = map_page((virtual_address_t)&free_slots[slots_ever_used], page);
    if (!is_mapped)
        page_free(page);
    return is_mapped;
}

static bool take_slot(uint32_t* slot) {
    if (free_slot_count > 0) {
        *slot = free_slots[--free_slot_count];
        return true;
    }
    if (slots_ever_used == SLOT_COUNT ||
        (slots_ever_used % SLOTS_PER_PAGE == 0 && !grow_free_slots()))
        return false;
    *slot = slots_ever_used++;
    return true;
}

static void give_slot_back(uint32_t slot) {
    free_slots[free_slot_count++] = slot;
}

/* --- stacks ----------------------------------------------------------------------------------- */

/* Takes the pages of a stack out of the page tables. They must not be freed before the TLB flush
 * (step 2 above). */
static void take_pages(virtual_address_t base, struct list* pages) {
    for (size_t offset = 0; offset < KERNEL_STACK_SIZE; offset += PAGE_SIZE) {
        physical_address_t physical;
        if (page_table_kernel_take(base + offset, &physical))
            list_push_back(pages, &page_from_physical(physical)->node);
    }
}

static void free_pages(struct list* pages) {
    struct list_node* node;
    while ((node = list_pop_front(pages)))
        page_free(LIST_ENTRY(node, struct page, node));
}

/* Allocates all pages before the first one is mapped: a mapped page could only be freed after a TLB
 * flush. After that only the table page can be missing. One table page serves the whole slot, so
 * either the first page fails or none. */
static bool map_stack(virtual_address_t base) {
    struct page* pages[STACK_PAGES];
    size_t count = 0;
    while (count < STACK_PAGES && (pages[count] = page_alloc()))
        count++;
    bool is_mapped = count == STACK_PAGES;
    for (size_t i = 0; i < STACK_PAGES && is_mapped; i++) {
        is_mapped = map_page(base + i * PAGE_SIZE, pages[i]);
        ASSERT(is_mapped || i == 0);
    }
    while (!is_mapped && count > 0)
        page_free(pages[--count]);
    return is_mapped;
}

static void* take_from_pool(void) {
    void** stack = pool;
    pool = *stack;
    pool_count--;
    return stack;
}

/* The lock is held while a stack is mapped: the slot and its page tables change together. */
void* kernel_stack_alloc(void) {
    spin_lock(&kernel_area_lock);
    void* top = NULL;
    uint32_t slot;
    if (pool) {
        top = (char*)take_from_pool() + KERNEL_STACK_SIZE;
    } else if (take_slot(&slot)) {
        if (map_stack(slot_top(slot) - KERNEL_STACK_SIZE))
            top = (void*)slot_top(slot);
        else
            give_slot_back(slot);
    }
    spin_unlock(&kernel_area_lock);
    return top;
}

bool kernel_stack_free(void* top) {
    void** stack = (void**)((char*)top - KERNEL_STACK_SIZE);
    spin_lock(&kernel_area_lock);
    *stack = pool;
    pool = stack;
    bool is_too_much = ++pool_count >= POOL_KEPT + POOL_BATCH;
    spin_unlock(&kernel_area_lock);
    return is_too_much;
}

/* Unmaps one batch of kept stacks. False: no more than `kept` stacks were left. */
static bool unmap_batch(uint32_t kept) {
    struct list pages = LIST_INITIALIZER(pages);
    uint32_t slots[POOL_BATCH];
    uint32_t count = 0;
    spin_lock(&kernel_area_lock);
    for (; count < POOL_BATCH && pool_count > kept; count++) {
        void* stack = take_from_pool();
        slots[count] = slot_of(stack);
        take_pages((virtual_address_t)stack, &pages);
    }
    spin_unlock(&kernel_area_lock);
    if (count == 0)
        return false;
    lock_order_assert_none_held(); /* the flush waits for every CPU */
    page_table_kernel_flush();     /* step 2 */
    free_pages(&pages);
    spin_lock(&kernel_area_lock);
    while (count > 0)
        give_slot_back(slots[--count]);
    spin_unlock(&kernel_area_lock);
    return true;
}

bool kernel_stack_trim_batch(void) {
    unmap_batch(POOL_KEPT);
    return pool_count >= POOL_KEPT + POOL_BATCH;
}

void kernel_stack_trim(void) {
    while (unmap_batch(0))
        ;
}

size_t kernel_stack_bookkeeping_pages(void) {
    size_t slots = ALIGN_UP(slots_ever_used * sizeof(uint32_t), PAGE_SIZE) / PAGE_SIZE;
    return slots + ALIGN_UP(slots_ever_used * STACK_SLOT_SIZE, TABLE_SPAN) / TABLE_SPAN;
}

bool kernel_stack_is_guard(virtual_address_t address) {
    return address >= KERNEL_STACKS_BASE && address < KERNEL_STACKS_BASE + KERNEL_STACKS_SIZE &&
           address % STACK_SLOT_SIZE < STACK_SLOT_SIZE - KERNEL_STACK_SIZE;
}
