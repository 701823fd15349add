/* Slab caches: objects that do not overlap, magazines, slabs that go back, debug patterns, and all
 * CPUs at once. */
#include <lib/string.h>
#include <mm/fail_allocation.h>
#include <mm/page.h>
#include <mm/slab.h>

#include "all_cpus.h"
#include "random.h"
#include "selftest.h"

#define MANY 700u

static void* objects[MANY];
static struct slab_cache cache;

/* Every byte says which object it belongs to. */
static void fill(void* object, size_t size, unsigned mark) {
    memset(object, (int)(mark % 251 + 1), size);
}

static bool is_filled(const void* object, size_t size, unsigned mark) {
    const uint8_t* bytes = object;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != (uint8_t)(mark % 251 + 1))
            return false;
    return true;
}

static const char* use_cache(size_t size, size_t alignment) {
    for (unsigned i = 0; i < MANY; i++) {
        objects[i] = slab_alloc(&cache);
        if (!objects[i])
            return "no memory";
        if (!IS_ALIGNED((uintptr_t)objects[i], alignment))
            return "alignment";
        fill(objects[i], size, i);
    }
    for (unsigned i = 0; i < MANY; i++)
        if (!is_filled(objects[i], size, i))
            return "two objects share bytes";
    /* Not in the order in which they came; 101 and MANY have no common factor. */
    for (unsigned i = 0; i < MANY; i++)
        slab_free(&cache, objects[i * 101 % MANY]);
    return NULL;
}

SELFTEST(mm_slab, objects_of_every_size_are_apart_and_their_pages_come_back) {
    static const struct {
        size_t size, alignment;
    } kinds[] = {{8, 16},   {16, 16},   {24, 32},   {64, 64},   {100, 16},
                 {250, 64}, {1000, 16}, {2048, 64}, {3000, 16}, {3500, 64}};
    slab_trim();
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        slab_trim();
        size_t free_before = page_count_free();
        slab_cache_init(&cache, "test", kinds[i].size, kinds[i].alignment);
        const char* fault = use_cache(kinds[i].size, kinds[i].alignment);
        if (fault) {
            selftest_fail(__FILE__, __LINE__, "size %zu: %s", kinds[i].size, fault);
            return;
        }
        EXPECT(page_count_free() < free_before); /* the magazine and a slab stay */
        slab_cache_destroy(&cache);
        slab_trim();
        EXPECT_EQUAL(page_count_free(), free_before);
    }
}

SELFTEST(mm_slab, what_was_freed_last_is_handed_out_first) {
    stay_on_cpu(0);
    slab_cache_init(&cache, "test", 100, 16);
    void* first = slab_alloc(&cache);
    void* second = slab_alloc(&cache);
    EXPECT(first && second && first != second);
    slab_free(&cache, second);
    EXPECT(slab_alloc(&cache) == second);
    slab_free(&cache, first);
    EXPECT(slab_alloc(&cache) == first);
    slab_free(&cache, first);
    slab_free(&cache, second);
    slab_cache_destroy(&cache);
    stay_anywhere();
}

SELFTEST(mm_slab, the_count_in_use_is_what_was_not_freed) {
    slab_cache_init(&cache, "test", 48, 16);
    size_t before = slab_objects_in_use();
    for (unsigned i = 0; i < MANY; i++) {
        objects[i] = slab_alloc(&cache);
        EXPECT(objects[i] != NULL);
        EXPECT_EQUAL(slab_objects_in_use(), before + i + 1);
    }
    for (unsigned i = 0; i < MANY; i++) {
        slab_free(&cache, objects[i]);
        EXPECT_EQUAL(slab_objects_in_use(), before + MANY - i - 1);
    }
    slab_cache_destroy(&cache);
}

SELFTEST(mm_slab, all_but_one_of_the_empty_slabs_go_back_and_trim_takes_the_last) {
    stay_on_cpu(0);
    slab_trim();
    size_t free_before = page_count_free();
    slab_cache_init(&cache, "test", 1000, 16);
    for (unsigned i = 0; i < MANY; i++) {
        objects[i] = slab_alloc(&cache);
        EXPECT(objects[i] != NULL);
    }
    size_t free_while_full = page_count_free();
    EXPECT(free_before - free_while_full >= MANY * 1000 / PAGE_SIZE);
    for (unsigned i = 0; i < MANY; i++)
        slab_free(&cache, objects[i]);
    EXPECT(page_count_free() > free_while_full + (free_before - free_while_full) / 2);
    slab_trim();
    /* Nothing of it is left but its empty magazine, on whose slab others may live. */
    EXPECT_EQUAL(cache.slab_count, 0);
    EXPECT(free_before - page_count_free() <= 1);
    slab_cache_destroy(&cache);
    slab_trim();
    EXPECT_EQUAL(page_count_free(), free_before);
    stay_anywhere();
}

SELFTEST(mm_slab, zeroed_objects_are_zero_after_use) {
    slab_cache_init(&cache, "test", 333, 16);
    for (unsigned i = 0; i < 100; i++) {
        void* dirty = slab_alloc(&cache);
        EXPECT(dirty != NULL);
        memset(dirty, 0xa5, 333);
        slab_free(&cache, dirty);
        uint8_t* object = slab_alloc_zeroed(&cache);
        EXPECT(object != NULL);
        for (unsigned j = 0; j < 333; j++)
            EXPECT_EQUAL(object[j], 0);
        slab_free(&cache, object);
    }
    slab_cache_destroy(&cache);
}

#ifdef JACINTH_DEBUG
/* What the debug build writes over freed and fresh objects, so that stale and early reads show. (A
 * write over either ends in a panic: panics.c.) */
SELFTEST(mm_slab, freed_and_fresh_objects_carry_their_patterns) {
    slab_cache_init(&cache, "test", 40, 16);
    uint8_t* object = slab_alloc(&cache);
    EXPECT(object != NULL);
    for (unsigned i = 0; i < 40; i++)
        EXPECT_EQUAL(object[i], 0xcd);
    memset(object, 0x11, 40);
    slab_free(&cache, object);
    for (unsigned i = sizeof(void*); i < 40; i++)
        EXPECT_EQUAL(((volatile uint8_t*)object)[i], 0xdd);
    slab_cache_destroy(&cache);
}
#endif

/* --- the first magazine of a CPU ------------------------------------------------------------ */

SELFTEST(mm_slab, a_cpu_gets_its_magazine_with_the_first_object) {
    stay_on_cpu(0);
    slab_cache_init(&cache, "test", 48, 16);
    EXPECT(cache.magazines[0] == &slab_no_magazine);
    void* object = slab_alloc(&cache);
    struct slab_magazine* magazine = cache.magazines[0];
    EXPECT(object != NULL);
    EXPECT(magazine != &slab_no_magazine);
    EXPECT_EQUAL(magazine->room, SLAB_MAGAZINE_SIZE);
    EXPECT_EQUAL(magazine->count, SLAB_MAGAZINE_SIZE / 2);
    EXPECT_EQUAL(cache.objects_taken, 1 + SLAB_MAGAZINE_SIZE / 2);
    slab_free(&cache, object);
    EXPECT_EQUAL(magazine->count, SLAB_MAGAZINE_SIZE / 2 + 1);
    EXPECT(magazine->objects[SLAB_MAGAZINE_SIZE / 2] == object);
    for (uint32_t cpu = 1; cpu < CPU_MAX; cpu++)
        EXPECT(cache.magazines[cpu] == &slab_no_magazine);
    EXPECT_EQUAL(slab_no_magazine.count, 0);
    EXPECT_EQUAL(slab_no_magazine.room, 0);
    slab_cache_destroy(&cache);
    stay_anywhere();
}

#ifdef JACINTH_DEBUG
/* One object of the cache, with the first request for a page failing. Whether the object came, and
 * the magazine did not. */
static bool does_without_magazine(void) {
    slab_cache_init(&cache, "test", 48, 16);
    allocation_fail_nth(2); /* the first is the object itself */
    void* first = slab_alloc(&cache);
    bool has_failed = allocation_has_failed();
    allocation_fail_nth(0);
    bool has_magazine = cache.magazines[0] != &slab_no_magazine;
    if (!has_failed || cache.objects_taken != (first ? 1 : 0) + cache.magazines[0]->count)
        selftest_fail(__FILE__, __LINE__, "%zu objects are taken", cache.objects_taken);
    void* second = slab_alloc(&cache);
    if (!second || second == first || cache.magazines[0] == &slab_no_magazine)
        selftest_fail(__FILE__, __LINE__, "the cache stays without a magazine");
    if (first)
        slab_free(&cache, first);
    slab_free(&cache, second);
    slab_cache_destroy(&cache);
    return first && !has_magazine;
}

static void* magazine_alloc(void) {
    preempt_disable();
    void* magazine = slab_take_slow(&slab_magazine_cache);
    preempt_enable();
    return magazine;
}

static void magazine_free(void* magazine) {
    preempt_disable();
    slab_put_slow(&slab_magazine_cache, magazine);
    preempt_enable();
}

/* Without memory for a magazine the cache does without, and gets one with a later object. It comes
 * to that once the slabs of the magazines are full. */
SELFTEST(mm_slab, a_first_magazine_that_fails_costs_nothing_else) {
    static void* kept[SLAB_MAGAZINE_SIZE * 8];
    unsigned count = 0;
    bool was_without = false;
    stay_on_cpu(0);
    slab_trim();
    size_t free_before = page_count_free();
    while (count < ARRAY_LENGTH(kept) && !was_without) {
        kept[count] = magazine_alloc();
        EXPECT(kept[count++] != NULL);
        was_without = does_without_magazine();
        EXPECT(!selftest_has_failed());
        EXPECT_EQUAL(slab_no_magazine.count, 0);
    }
    while (count > 0)
        magazine_free(kept[--count]);
    slab_trim();
    EXPECT(was_without);
    EXPECT_EQUAL(page_count_free(), free_before);
    stay_anywhere();
}
#endif

/* --- all CPUs --------------------------------------------------------------------------------- */

#define EXCHANGE_SLOTS 64u
#define ROUNDS 6000u
#define STRESS_SIZE 72u

static _Atomic(uint64_t*) exchange[EXCHANGE_SLOTS];

/* Objects wander from CPU to CPU through the exchange: most are freed elsewhere than they were
 * made. The first word of each says where it is; the others repeat it. */
static void trade(void* cpu) {
    uint32_t random = (uint32_t)(uintptr_t)cpu + 1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned slot = random_next(&random) % EXCHANGE_SLOTS;
        uint64_t* object = NULL;
        if (random_next(&random) % 4 != 0) {
            object = slab_alloc(&cache);
            EXPECT(object != NULL);
            for (unsigned j = 0; j < STRESS_SIZE / 8; j++)
                object[j] = (uint64_t)object + j;
        }
        object = atomic_exchange(&exchange[slot], object);
        if (!object)
            continue;
        for (unsigned j = 0; j < STRESS_SIZE / 8; j++)
            EXPECT_EQUAL(object[j], (uint64_t)object + j);
        slab_free(&cache, object);
    }
}

SELFTEST(mm_slab, objects_that_wander_between_all_cpus_stay_whole) {
    size_t free_before = pages_free_when_trimmed();
    slab_cache_init(&cache, "test", STRESS_SIZE, 16);
    EXPECT(run_on_all_cpus(trade));
    for (unsigned i = 0; i < EXCHANGE_SLOTS; i++)
        if (exchange[i])
            slab_free(&cache, atomic_exchange(&exchange[i], NULL));
    slab_cache_destroy(&cache); /* panics if a slab is still in use */
    EXPECT(pages_come_back(free_before));
}
