/* Buddy allocator: a free block of order n is 2^n pages, aligned to its size, headed by the struct
 * page of its first page. Two buddies that are both free become one block of the next order. */
#include <mm/page.h>

#include <arch/bulk.h>
#include <arch/cpu.h>
#include <arch/upcalls.h>
#include <debug/panic.h>
#include <lib/compiler.h>
#include <lock/spinlock.h>
#include <mm/fail_allocation.h>

#define ORDER_COUNT (PAGE_MAX_ORDER + 1)
#define CACHE_SIZE 64u
#define CACHE_BATCH_ORDER 5u
/* pages moved between a cache and the free lists in one lock hold */
#define CACHE_BATCH (1u << CACHE_BATCH_ORDER)
#define BOOT_MAP_END (4ul << 30)
#define POISON 0xdbdbdbdbdbdbdbdbul

/* Single pages that one CPU keeps. Only that CPU touches it, with preemption off. */
struct page_cache {
    uint32_t count;
    struct page* pages[CACHE_SIZE];
};

static struct page* page_array; /* one for each frame below frame_count */
static size_t frame_count;
static size_t total_pages;

static struct spinlock lock = SPINLOCK_INITIALIZER(LOCK_PAGES);
static struct list free_lists[ORDER_COUNT]; /* under `lock` */
static size_t free_pages;                   /* the pages in the lists; under `lock` */

static struct page_cache caches[CPU_MAX];

#ifdef JACINTH_DEBUG
/* Code that uses a page after it was freed, or relies on fresh pages being zero, should fail soon.
 */
static void poison(struct page* page, unsigned order) {
    uint64_t* words = page_to_virtual(page);
    for (size_t i = 0; i < (PAGE_SIZE << order) / sizeof(*words); i++)
        words[i] = POISON;
}
#else
static void poison(struct page* page, unsigned order) {
    (void)page, (void)order;
}
#endif

struct page* page_from_physical(physical_address_t address) {
    size_t frame = address.value >> PAGE_SHIFT;
    return likely(frame < frame_count) ? &page_array[frame] : NULL;
}

physical_address_t page_to_physical(const struct page* page) {
    return physical_address((uint64_t)(page - page_array) << PAGE_SHIFT);
}

/* This is in page.c, so that page_from_virtual is inlined: it runs for each new entry of a page
 * table. */
_Atomic uint32_t* table_page_count(const void* table) {
    return &page_from_virtual(table)->references;
}

/* --- the lists, under the lock --------------------------------------------------------------- */

static void push_block(struct page* page, unsigned order) {
    page->state = PAGE_FREE;
    page->order = (uint8_t)order;
    list_push_front(&free_lists[order], &page->node);
}

/* Puts a block into the lists, and merges it with its free buddy again and again. */
static void free_locked(struct page* page, unsigned order) {
    size_t frame = (size_t)(page - page_array);
    free_pages += 1ul << order;
    page->state = PAGE_INSIDE; /* it may end up inside a larger block */
    while (order < PAGE_MAX_ORDER) {
        size_t buddy_frame = frame ^ 1ul << order;
        struct page* buddy = &page_array[buddy_frame];
        if (buddy_frame >= frame_count || buddy->state != PAGE_FREE || buddy->order != order)
            break;
        list_remove(&buddy->node);
        buddy->state = PAGE_INSIDE;
        frame &= ~(1ul << order);
        order++;
    }
    push_block(&page_array[frame], order);
}

/* Returns the order of the smallest free block that has room for `order`; ORDER_COUNT: there is
 * none. */
static unsigned order_at_least(unsigned order) {
    while (order < ORDER_COUNT && list_is_empty(&free_lists[order]))
        order++;
    return order;
}

/* Splits a larger block in halves until it has the wanted order. The upper halves go back. */
static struct page* alloc_locked(unsigned order) {
    unsigned from = order_at_least(order);
    if (from == ORDER_COUNT)
        return NULL;
    struct page* page = LIST_ENTRY(list_first(&free_lists[from]), struct page, node);
    list_remove(&page->node);
    page->state = PAGE_ALLOCATED;
    while (from > order) {
        from--;
        push_block(page + (1ul << from), from);
    }
    page->order = (uint8_t)order;
    free_pages -= 1ul << order;
    return page;
}

/* --- blocks ---------------------------------------------------------------------------------- */

struct page* page_alloc_order(unsigned order) {
    if (order > PAGE_MAX_ORDER || allocation_must_fail())
        return NULL;
    spin_lock(&lock);
    struct page* page = alloc_locked(order);
    spin_unlock(&lock);
    return page;
}

/* The block is poisoned before the lock is taken, because poisoning may take long. */
void page_free_order(struct page* page, unsigned order) {
    ASSERT(page->state == PAGE_ALLOCATED && !page->owner); /* slab_cache_of relies on it */
    poison(page, order);
    spin_lock(&lock);
    free_locked(page, order);
    spin_unlock(&lock);
}

/* --- single pages ---------------------------------------------------------------------------- */

/* Takes the smallest blocks first, so that scattered pages are used before large blocks are split.
 */
static void refill(struct page_cache* cache) {
    unsigned largest = CACHE_BATCH_ORDER;
    spin_lock(&lock);
    while (cache->count < CACHE_BATCH) {
        unsigned order = order_at_least(0);
        if (order == ORDER_COUNT)
            break;
        while (1u << largest > CACHE_BATCH - cache->count)
            largest--;
        order = MIN(order, largest);
        struct page* block = alloc_locked(order);
        for (size_t i = 0; i < 1ul << order; i++) {
            block[i].state = PAGE_CACHED;
            block[i].order = 0;
            cache->pages[cache->count++] = &block[i];
        }
    }
    spin_unlock(&lock);
}

/* Preemption is off: only this CPU may touch its cache. */
static ALWAYS_INLINE struct page* take_cached(void) {
    struct page_cache* cache = this_cpu()->page_cache;
    if (unlikely(cache->count == 0))
        refill(cache);
    if (cache->count == 0)
        return NULL;
    struct page* page = cache->pages[--cache->count];
    page->state = PAGE_ALLOCATED;
    return page;
}

struct page* page_alloc(void) {
    if (allocation_must_fail())
        return NULL;
    preempt_disable();
    struct page* page = take_cached();
    preempt_enable();
    return page;
}

struct page* page_alloc_zeroed(void) {
    if (allocation_must_fail())
        return NULL;
    preempt_disable();
    struct page* page = take_cached();
    if (page)
        bulk_clear_page(page_to_virtual(page)); /* this needs preemption off too */
    preempt_enable();
    return page;
}

void page_clear(struct page* page) {
    preempt_disable();
    bulk_clear_page(page_to_virtual(page));
    preempt_enable();
}

void page_copy(struct page* to, const struct page* from) {
    preempt_disable();
    bulk_copy(page_to_virtual(to), page_to_virtual(from), PAGE_SIZE);
    preempt_enable();
}

/* Gives pages of the cache back until `keep` are left. */
static void drain_cache(struct page_cache* cache, uint32_t keep) {
    spin_lock(&lock);
    while (cache->count > keep)
        free_locked(cache->pages[--cache->count], 0);
    spin_unlock(&lock);
}

void page_free(struct page* page) {
    ASSERT(page->state == PAGE_ALLOCATED && !page->owner); /* slab_cache_of relies on it */
    poison(page, 0);
    preempt_disable();
    struct page_cache* cache = this_cpu()->page_cache;
    if (cache->count == CACHE_SIZE)
        drain_cache(cache, CACHE_SIZE - CACHE_BATCH);
    page->state = PAGE_CACHED;
    cache->pages[cache->count++] = page;
    preempt_enable();
}

/* --- beginning ------------------------------------------------------------------------------- */

void page_add_range(struct physical_range range) {
    size_t frame = range.start >> PAGE_SHIFT;
    size_t end = MIN(range.end >> PAGE_SHIFT, frame_count);
    spin_lock(&lock);
    while (frame < end) {
        unsigned order = PAGE_MAX_ORDER;
        while (!IS_ALIGNED(frame, 1ul << order) || frame + (1ul << order) > end)
            order--;
        free_locked(&page_array[frame], order);
        total_pages += 1ul << order;
        frame += 1ul << order;
    }
    spin_unlock(&lock);
}

/* Chooses the end of the last range below 4 GiB that can hold the page array. */
static struct physical_range place_array(const struct physical_range* ram, size_t count,
                                         size_t size) {
    for (size_t i = count; i > 0; i--) {
        uint64_t end = MIN(ram[i - 1].end, BOOT_MAP_END);
        if (end > ram[i - 1].start && end - ram[i - 1].start >= size)
            return (struct physical_range){end - size, end};
    }
    boot_fail("not enough memory: no room for %zu KiB of page records", size >> 10);
}

void page_init(const struct physical_range* ram, size_t count) {
    for (unsigned order = 0; order < ORDER_COUNT; order++)
        list_init(&free_lists[order]);
    for (size_t i = 0; i < count; i++)
        frame_count = MAX(frame_count, ram[i].end >> PAGE_SHIFT);
    size_t size = ALIGN_UP(frame_count * sizeof(struct page), PAGE_SIZE);
    struct physical_range array = place_array(ram, count, size);
    page_array = physical_to_virtual(physical_address(array.start));
    for (size_t offset = 0; offset < size; offset += PAGE_SIZE)
        bulk_clear_page((char*)page_array + offset); /* zero is PAGE_RESERVED */

    for (size_t i = 0; i < count; i++) {
        struct physical_range below = {ram[i].start, MIN(ram[i].end, BOOT_MAP_END)};
        if (array.start >= below.start && array.end == below.end)
            below.end = array.start;
        if (below.start < below.end)
            page_add_range(below);
    }
}

void page_init_cpu(void) {
    this_cpu()->page_cache = &caches[cpu_number()];
}

size_t page_count_total(void) {
    return total_pages;
}

/* The counts of the caches are read without their CPUs' help, so the sum is exact only when no CPU
 * allocates. */
size_t page_count_free(void) {
    spin_lock(&lock);
    size_t count = free_pages;
    spin_unlock(&lock);
    for (uint32_t i = 0; i < cpu_count(); i++)
        count += caches[i].count;
    return count;
}
