/* What debug builds notice, and stop for. Each of these ends in a panic, which
 * scripts/boot_failures.py reads. */
#include "selftest.h"

#ifdef JACINTH_DEBUG

#include <lock/spinlock.h>
#include <mm/page.h>
#include <mm/slab.h>

#define VICTIM_SIZE 40u

static struct slab_cache victims = SLAB_CACHE_INITIALIZER(victims, "victim", VICTIM_SIZE);
static struct spinlock upper = SPINLOCK_INITIALIZER(LOCK_OBJECT);
static struct spinlock lower = SPINLOCK_INITIALIZER(LOCK_VMO);
static struct spinlock of_interrupts = SPINLOCK_INITIALIZER(LOCK_TIMER);

SELFTEST_PANIC(panics, overrun) {
    char* object = slab_alloc(&victims);
    EXPECT(object != NULL);
    object[VICTIM_SIZE] = 0;
    slab_free(&victims, object);
}

SELFTEST_PANIC(panics, double_free) {
    char* object = slab_alloc(&victims);
    EXPECT(object != NULL);
    slab_free(&victims, object);
    slab_free(&victims, object);
}

SELFTEST_PANIC(panics, use_after_free) {
    char* object = slab_alloc(&victims);
    EXPECT(object != NULL);
    slab_free(&victims, object);
    object[VICTIM_SIZE - 1] = 0;
    EXPECT(slab_alloc(&victims) == NULL);
}

SELFTEST_PANIC(panics, double_free_of_a_page) {
    struct page* page = page_alloc();
    EXPECT(page != NULL);
    page_free(page);
    page_free(page);
}

SELFTEST_PANIC(panics, double_free_of_a_block) {
    struct page* block = page_alloc_order(1);
    EXPECT(block != NULL);
    page_free_order(block, 1);
    page_free_order(block, 1);
}

/* Both halves went back and are one block, which the first of them heads. */
SELFTEST_PANIC(panics, double_free_of_what_merged) {
    struct page* block = page_alloc_order(2);
    EXPECT(block != NULL);
    block[2].state = PAGE_ALLOCATED;
    page_free_order(&block[2], 1);
    page_free_order(block, 1);
    page_free_order(&block[2], 1);
}

SELFTEST_PANIC(panics, free_of_a_part_of_a_block) {
    struct page* block = page_alloc_order(1);
    EXPECT(block != NULL);
    page_free(&block[1]);
}

SELFTEST_PANIC(panics, lock_order) {
    spin_lock(&lower);
    spin_lock(&upper);
}

SELFTEST_PANIC(panics, lock_taken_twice) {
    spin_lock(&upper);
    spin_lock(&upper);
}

SELFTEST_PANIC(panics, lock_with_interrupts_on) {
    spin_lock(&of_interrupts);
}

#endif
