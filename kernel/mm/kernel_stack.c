/* Stacks lie in slots of fixed size. Half of a slot is guard, half is stack. There are as many
 * slots as there could be stacks in memory. A bitmap says which slots are in use. It lies in the
 * kernel area (kernel_area.h) and grows page by page, when slots are needed that were never used
 * before.
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
#include <lib/string.h>
#include <lock/spinlock.h>
#include <mm/kernel_area.h>
#include <mm/page.h>

#define STACK_SLOT_SIZE (2 * KERNEL_STACK_SIZE)
#define STACK_PAGES (KERNEL_STACK_SIZE / PAGE_SIZE)
#define POOL_KEPT 64u /* so many are kept */
#define POOL_BATCH 16u
#define TABLE_SPAN (512 * PAGE_SIZE) /* what one table page maps */
#define BITS_PER_WORD 64u
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(uint64_t))
#define SLOTS_PER_PAGE (WORDS_PER_PAGE * BITS_PER_WORD) /* of the bitmap */
#define BITMAP_PAGES (KERNEL_STACKS_SIZE / STACK_SLOT_SIZE / SLOTS_PER_PAGE)

/* kernel_area_lock guards everything below. */
static uint64_t* const slots_used = (uint64_t*)STACK_BITMAP_BASE;
/* For each page of the bitmap: how many of its slots are in use. */
static uint16_t used_in_page[BITMAP_PAGES];
static uint32_t bitmap_pages;    /* so many pages of the bitmap are mapped */
static uint32_t search_from;     /* a page of the bitmap; all pages before it are full */
static uint32_t slots_ever_used; /* slots below this one were in use at some time, or are */
static void** pool;
static uint32_t pool_count;

_Static_assert(BITMAP_PAGES* PAGE_SIZE == STACK_BITMAP_SIZE, "one bit for each slot");
_Static_assert(SLOTS_PER_PAGE <= UINT16_MAX, "used_in_page cannot count them");

/* --- slots ------------------------------------------------------------------------------------ */

static virtual_address_t slot_top(uint32_t slot) {
    return KERNEL_STACKS_BASE + (slot + 1ul) * STACK_SLOT_SIZE;
}

static uint32_t slot_of(const void* stack) {
    return (uint32_t)(((virtual_address_t)stack - KERNEL_STACKS_BASE) / STACK_SLOT_SIZE);
}

/* More stacks than this do not fit into memory. */
static uint64_t slot_limit(void) {
    return MIN(page_count_total() / STACK_PAGES + 1, BITMAP_PAGES * SLOTS_PER_PAGE);
}

static bool map_page(virtual_address_t address, struct page* page) {
    return page_table_map(page_table_kernel(), address, page_to_physical(page),
                          PAGING_READ | PAGING_WRITE) == ZX_OK;
}

static bool grow_bitmap(void) {
    uint64_t* words = slots_used + bitmap_pages * WORDS_PER_PAGE;
    struct page* page = bitmap_pages * SLOTS_PER_PAGE < slot_limit() ? page_alloc() : NULL;
    if (!page)
        return false;
    if (!map_page((virtual_address_t)words, page)) {
        page_free(page);
        return false;
    }
    memset(words, 0, PAGE_SIZE);
    bitmap_pages++;
    return true;
}

/* Finds a free slot by one count for each 32,768 slots, then by one word for each 64. */
static bool take_slot(uint32_t* slot) {
    while (search_from < bitmap_pages && used_in_page[search_from] == SLOTS_PER_PAGE)
        search_from++;
    if (search_from == bitmap_pages && !grow_bitmap())
        return false;
    size_t word = search_from * WORDS_PER_PAGE;
    while (slots_used[word] == UINT64_MAX)
        word++;
    uint32_t bit = (uint32_t)__builtin_ctzl(~slots_used[word]);
    *slot = (uint32_t)(word * BITS_PER_WORD + bit);
    if (*slot >= slot_limit())
        return false;
    slots_used[word] |= 1ul << bit;
    slots_ever_used = MAX(slots_ever_used, *slot + 1);
    used_in_page[search_from]++;
    return true;
}

static void give_slot_back(uint32_t slot) {
    uint32_t page = (uint32_t)(slot / SLOTS_PER_PAGE);
    slots_used[slot / BITS_PER_WORD] &= ~(1ul << slot % BITS_PER_WORD);
    used_in_page[page]--;
    search_from = MIN(search_from, page);
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

/* Unmaps one batch of kept stacks. False: not more than `kept` are kept. */
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
    size_t size = slots_ever_used * STACK_SLOT_SIZE;
    return bitmap_pages + (size + TABLE_SPAN - 1) / TABLE_SPAN;
}

bool kernel_stack_is_guard(virtual_address_t address) {
    return address >= KERNEL_STACKS_BASE && address < KERNEL_STACKS_BASE + KERNEL_STACKS_SIZE &&
           address % STACK_SLOT_SIZE < STACK_SLOT_SIZE - KERNEL_STACK_SIZE;
}
