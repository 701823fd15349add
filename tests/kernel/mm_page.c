/* Physical pages: blocks of every order, what merges back, the per-CPU caches, the counts. */
#include <lib/string.h>
#include <mm/page.h>

#include "all_cpus.h"
#include "random.h"
#include "selftest.h"

#define MANY 1000u

static struct page* taken[MANY];

/* Marks each page with its own address; two owners of one page would overwrite a mark. */
static void mark(const struct page* page) {
    *(volatile uint64_t*)page_to_virtual(page) = page_to_physical(page).value;
}

static bool has_mark(const struct page* page) {
    return *(volatile uint64_t*)page_to_virtual(page) == page_to_physical(page).value;
}

SELFTEST(mm_page, single_pages_are_unique_and_come_back) {
    size_t free_before = page_count_free();
    for (unsigned i = 0; i < MANY; i++) {
        taken[i] = page_alloc();
        EXPECT(taken[i] != NULL);
        EXPECT_EQUAL(taken[i]->state, PAGE_ALLOCATED);
        mark(taken[i]);
    }
    EXPECT_EQUAL(page_count_free(), free_before - MANY);
    for (unsigned i = 0; i < MANY; i++)
        EXPECT(has_mark(taken[i]));
    for (unsigned i = 0; i < MANY; i++)
        page_free(taken[i]);
    EXPECT_EQUAL(page_count_free(), free_before);
}

SELFTEST(mm_page, blocks_are_aligned_to_their_size) {
    size_t free_before = page_count_free();
    struct page* blocks[PAGE_MAX_ORDER + 1][2];
    size_t pages = 0;
    for (unsigned order = 0; order <= PAGE_MAX_ORDER; order++) {
        for (unsigned i = 0; i < 2; i++) {
            struct page* block = blocks[order][i] = page_alloc_order(order);
            EXPECT(block != NULL);
            EXPECT(IS_ALIGNED(page_to_physical(block).value, PAGE_SIZE << order));
            pages += 1ul << order;
            for (size_t j = 0; j < 1ul << order; j++)
                mark(block + j);
        }
    }
    EXPECT_EQUAL(page_count_free(), free_before - pages);
    for (unsigned order = 0; order <= PAGE_MAX_ORDER; order++)
        for (unsigned i = 0; i < 2; i++)
            for (size_t j = 0; j < 1ul << order; j++)
                EXPECT(has_mark(blocks[order][i] + j));
    for (unsigned order = 0; order <= PAGE_MAX_ORDER; order++)
        for (unsigned i = 0; i < 2; i++)
            page_free_order(blocks[order][i], order);
    EXPECT_EQUAL(page_count_free(), free_before);
}

SELFTEST(mm_page, buddies_merge_into_the_largest_block) {
    enum { PAGES = 1 << PAGE_MAX_ORDER };
    size_t free_before = page_count_free();
    struct page* block = page_alloc_order(PAGE_MAX_ORDER);
    EXPECT(block != NULL);
    for (unsigned i = 0; i < PAGES; i++) {
        block[i].state = PAGE_ALLOCATED;
        block[i].order = 0;
    }
    /* 769 is odd, so every page gets its turn. */
    for (unsigned i = 0; i < PAGES; i++)
        page_free_order(&block[i * 769u % PAGES], 0);
    EXPECT_EQUAL(page_count_free(), free_before);
    /* What merged last is handed out first. */
    struct page* again = page_alloc_order(PAGE_MAX_ORDER);
    EXPECT(again == block);
    page_free_order(again, PAGE_MAX_ORDER);
    EXPECT_EQUAL(page_count_free(), free_before);
}

SELFTEST(mm_page, more_than_the_largest_order_is_refused) {
    size_t free_before = page_count_free();
    EXPECT(page_alloc_order(PAGE_MAX_ORDER + 1) == NULL);
    EXPECT(page_alloc_order(64) == NULL);
    EXPECT_EQUAL(page_count_free(), free_before);
    EXPECT(free_before <= page_count_total());
}

SELFTEST(mm_page, zeroed_pages_are_zero_after_use) {
    for (unsigned i = 0; i < 200; i++) {
        struct page* dirty = page_alloc();
        EXPECT(dirty != NULL);
        memset(page_to_virtual(dirty), 0xa5, PAGE_SIZE);
        page_free(dirty);
        struct page* page = page_alloc_zeroed();
        EXPECT(page != NULL);
        const uint64_t* words = page_to_virtual(page);
        for (size_t j = 0; j < PAGE_SIZE / sizeof(*words); j++)
            EXPECT_EQUAL(words[j], 0);
        page_free(page);
    }
}

SELFTEST(mm_page, physical_address_and_record_belong_together) {
    struct page* page = page_alloc();
    EXPECT(page != NULL);
    physical_address_t physical = page_to_physical(page);
    EXPECT(page_from_physical(physical) == page);
    EXPECT(page_from_physical(physical_address(physical.value + PAGE_SIZE - 1)) == page);
    EXPECT(page_from_physical(physical_address(1ul << 51)) == NULL);
    EXPECT(page_to_virtual(page) == physical_to_virtual(physical));
    page_free(page);
}

SELFTEST(mm_page, random_orders_leave_no_trace) {
    static unsigned orders[64];
    size_t free_before = page_count_free();
    uint32_t random = 1;
    memset(taken, 0, sizeof(taken));
    for (unsigned i = 0; i < 5000; i++) {
        unsigned slot = random_next(&random) % 64;
        if (taken[slot]) {
            EXPECT(has_mark(taken[slot]));
            EXPECT(has_mark(taken[slot] + (1ul << orders[slot]) - 1));
            page_free_order(taken[slot], orders[slot]);
            taken[slot] = NULL;
        } else {
            orders[slot] = random_next(&random) % 6;
            taken[slot] = page_alloc_order(orders[slot]);
            EXPECT(taken[slot] != NULL);
            mark(taken[slot] + (1ul << orders[slot]) - 1);
            mark(taken[slot]);
        }
    }
    for (unsigned slot = 0; slot < 64; slot++)
        if (taken[slot])
            page_free_order(taken[slot], orders[slot]);
    EXPECT_EQUAL(page_count_free(), free_before);
}

/* --- all CPUs --------------------------------------------------------------------------------- */

#define EXCHANGE_SLOTS 128u
#define ROUNDS 8000u

static _Atomic(struct page*) exchange[EXCHANGE_SLOTS];

/* Pages and small blocks wander from CPU to CPU: most go into another CPU's cache than they came
 * from. `flags`, which is the owner's use, holds the order. */
static void trade_pages(void* cpu) {
    uint32_t random = (uint32_t)(uintptr_t)cpu + 1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned slot = random_next(&random) % EXCHANGE_SLOTS;
        struct page* page = NULL;
        if (random_next(&random) % 4 != 0) {
            unsigned order = random_next(&random) % 8 == 0 ? 1 + random_next(&random) % 3 : 0;
            page = order == 0 ? page_alloc() : page_alloc_order(order);
            EXPECT(page != NULL);
            page->references = order;
            mark(page);
            mark(page + (1ul << order) - 1);
        }
        page = atomic_exchange(&exchange[slot], page);
        if (!page)
            continue;
        unsigned order = page->references;
        page->references = 0;
        EXPECT(has_mark(page) && has_mark(page + (1ul << order) - 1));
        if (order == 0)
            page_free(page);
        else
            page_free_order(page, order);
    }
}

SELFTEST(mm_page, pages_that_wander_between_all_cpus_stay_whole) {
    size_t free_before = pages_free_when_trimmed();
    EXPECT(run_on_all_cpus(trade_pages));
    for (unsigned i = 0; i < EXCHANGE_SLOTS; i++) {
        struct page* page = atomic_exchange(&exchange[i], NULL);
        if (!page)
            continue;
        unsigned order = page->references;
        page->references = 0;
        page_free_order(page, order);
    }
    EXPECT(pages_come_back(free_before));
}
