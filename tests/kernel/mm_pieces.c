/* Free memory that lies in single pages: what needs no more than a page is still there. */
#include <lib/list.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>

#include "all_cpus.h"
#include "selftest.h"

#define SIZE_MAX_IN_A_PAGE 3072u
#define OBJECTS 12u
#define BLOCKS_BROKEN 2u

static struct list held; /* struct page.node, each heads a block */

/* Takes every block of more than one page; up to `count` of the largest go to `some`. */
static void take_blocks(struct list* some, size_t count) {
    for (unsigned order = PAGE_MAX_ORDER; order > 0; order--) {
        struct page* block;
        while ((block = page_alloc_order(order))) {
            bool is_wanted = order == PAGE_MAX_ORDER && count > 0;
            list_push_back(is_wanted ? some : &held, &block->node);
            count -= is_wanted;
        }
    }
}

/* Leaves every other page of some blocks, and what each CPU keeps for itself. */
static bool break_memory_to_pieces(void) {
    struct list some = LIST_INITIALIZER(some);
    struct list_node* node;
    list_init(&held);
    take_blocks(&some, BLOCKS_BROKEN);
    bool is_broken = !list_is_empty(&some);
    while ((node = list_pop_front(&some))) {
        struct page* block = LIST_ENTRY(node, struct page, node);
        for (size_t i = 0; i < 1ul << PAGE_MAX_ORDER; i++) {
            block[i].state = PAGE_ALLOCATED;
            block[i].order = 0;
            if (i % 2)
                page_free(&block[i]);
            else
                list_push_back(&held, &block[i].node);
        }
    }
    take_blocks(&some, 0); /* what came together when this CPU gave back pages that it kept */
    return is_broken;
}

static void give_all_back(void) {
    struct list_node* node;
    while ((node = list_pop_front(&held))) {
        struct page* block = LIST_ENTRY(node, struct page, node);
        page_free_order(block, block->order);
    }
}

static bool is_filled(const uint8_t* bytes, size_t size, uint8_t mark) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != mark)
            return false;
    return true;
}

/* Some objects of each size of the heap, which do not overlap. Returns the size that fails; 0. */
static size_t use_heap(void) {
    static uint8_t* objects[OBJECTS];
    size_t failed = 0;
    for (size_t size = 16; size <= SIZE_MAX_IN_A_PAGE && failed == 0; size += size / 2) {
        unsigned count = 0;
        for (; count < OBJECTS && (objects[count] = heap_alloc(size)); count++)
            memset(objects[count], (int)count + 1, size);
        if (count < OBJECTS)
            failed = size;
        for (unsigned i = 0; i < count; i++) {
            if (!is_filled(objects[i], size, (uint8_t)(i + 1)))
                failed = size;
            heap_free(objects[i]);
        }
    }
    return failed;
}

SELFTEST(mm_pieces, objects_of_every_size_are_found_in_single_pages) {
    size_t free_before = pages_free_when_trimmed();
    stay_on_cpu(0); /* each CPU keeps some pages for itself */
    slab_trim();
    bool is_broken = break_memory_to_pieces();
    struct page* pair = page_alloc_order(1);
    size_t failed = use_heap();
    slab_trim();
    if (pair)
        page_free_order(pair, 1);
    give_all_back();
    stay_anywhere();
    EXPECT(is_broken);
    EXPECT(pair == NULL);
    EXPECT_EQUAL(failed, 0);
    EXPECT(pages_come_back(free_before));
}

/* Slabs of one cache that differ in size fill up, empty and go back like others. */
SELFTEST(mm_pieces, small_and_large_slabs_stand_side_by_side) {
    static void* objects[64];
    struct slab_cache cache;
    slab_cache_init(&cache, "pieces", 1500, SLAB_ALIGNMENT);
    stay_on_cpu(0);
    slab_trim();
    size_t free_before = page_count_free();
    bool is_broken = break_memory_to_pieces();
    unsigned count = 0;
    for (; count < 20 && (objects[count] = slab_alloc(&cache)); count++)
        memset(objects[count], (int)count + 1, 1500);
    size_t small_slabs = cache.slab_count;
    give_all_back();
    for (; count < 64 && (objects[count] = slab_alloc(&cache)); count++)
        memset(objects[count], (int)count + 1, 1500);
    size_t all_slabs = cache.slab_count;
    bool is_whole = true;
    for (unsigned i = 0; i < count; i++) {
        unsigned which = i * 37 % 64; /* in another order */
        if (which >= count)
            continue;
        is_whole = is_whole && is_filled(objects[which], 1500, (uint8_t)(which + 1));
        slab_free(&cache, objects[which]);
    }
    slab_cache_destroy(&cache); /* which checks that every slab went back */
    slab_trim();
    stay_anywhere();
    EXPECT(is_broken);
    EXPECT_EQUAL(count, 64);
    EXPECT(small_slabs >= 10);
    EXPECT(all_slabs < 32);
    EXPECT(is_whole);
    EXPECT(page_count_free() + 3 >= free_before);
}
