/* Memory of any size: all of it usable, none of it shared, all of it given back. */
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>

#include "all_cpus.h"
#include "random.h"
#include "selftest.h"

#define LARGEST (PAGE_SIZE << PAGE_MAX_ORDER)

static const size_t sizes[] = {
    0,    1,    15,   16,   17,   31,   32,   33,   48,   49,   64,    65,    96,      97,     128,
    129,  192,  193,  256,  257,  384,  385,  512,  513,  768,  769,   1024,  1025,    1536,   1537,
    2048, 2049, 3072, 3073, 4095, 4096, 4097, 8191, 8192, 8193, 65536, 65537, 1048576, 1048577};

SELFTEST(mm_heap, every_size_is_usable_to_its_last_byte) {
    static uint8_t* taken[ARRAY_LENGTH(sizes)];
    slab_trim();
    size_t free_before = page_count_free(), in_use = slab_objects_in_use();
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        taken[i] = heap_alloc(sizes[i]);
        EXPECT(taken[i] != NULL);
        EXPECT(IS_ALIGNED((uintptr_t)taken[i], 16ul));
        memset(taken[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
        for (size_t j = 0; j < sizes[i]; j += j < 5000 ? 1 : 997)
            EXPECT_EQUAL(taken[i][j], i + 1);
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
        heap_free(taken[i]);
    EXPECT_EQUAL(slab_objects_in_use(), in_use);
    slab_trim();
    EXPECT(free_before - page_count_free() <= ARRAY_LENGTH(sizes)); /* magazines made on the way */
}

SELFTEST(mm_heap, the_largest_block_is_the_limit) {
    size_t free_before = page_count_free();
    void* largest = heap_alloc(LARGEST);
    EXPECT(largest != NULL);
    EXPECT_EQUAL(page_count_free(), free_before - (1ul << PAGE_MAX_ORDER));
    heap_free(largest);
    EXPECT_EQUAL(page_count_free(), free_before);
    EXPECT(heap_alloc(LARGEST + 1) == NULL);
    EXPECT(heap_alloc(SIZE_MAX) == NULL);
    EXPECT(heap_alloc_zeroed(SIZE_MAX) == NULL);
    EXPECT(heap_alloc(1ul << 63) == NULL);
    heap_free(NULL);
    EXPECT_EQUAL(page_count_free(), free_before);
}

SELFTEST(mm_heap, zeroed_memory_is_zero_after_use) {
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        void* dirty = heap_alloc(sizes[i]);
        EXPECT(dirty != NULL);
        memset(dirty, 0xa5, sizes[i]);
        heap_free(dirty);
        uint8_t* bytes = heap_alloc_zeroed(sizes[i]);
        EXPECT(bytes != NULL);
        for (size_t j = 0; j < sizes[i]; j += j < 5000 ? 1 : 997)
            EXPECT_EQUAL(bytes[j], 0);
        heap_free(bytes);
    }
}

/* --- all CPUs --------------------------------------------------------------------------------- */

#define SLOTS 32u
#define ROUNDS 2000u

struct block {
    uint32_t* words;
    size_t count;
};

static bool is_whole(const struct block* block) {
    for (size_t i = 0; i < block->count; i++)
        if (block->words[i] != (uint32_t)(uintptr_t)block->words + i)
            return false;
    return true;
}

static void churn(void* cpu) {
    uint32_t random = (uint32_t)(uintptr_t)cpu * 77 + 5;
    struct block blocks[SLOTS] = {0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct block* block = &blocks[random_next(&random) % SLOTS];
        EXPECT(is_whole(block));
        heap_free(block->words);
        block->count = random_next(&random) % (i % 16 == 0 ? 8000 : 300);
        block->words = heap_alloc(block->count * sizeof(uint32_t));
        EXPECT(block->words != NULL);
        for (size_t j = 0; j < block->count; j++)
            block->words[j] = (uint32_t)(uintptr_t)block->words + (uint32_t)j;
    }
    for (unsigned i = 0; i < SLOTS; i++)
        heap_free(blocks[i].words);
}

SELFTEST(mm_heap, all_cpus_at_once_leave_no_trace) {
    EXPECT(run_on_all_cpus(churn)); /* once, so that every magazine is there */
    size_t free_before = pages_free_when_trimmed();
    EXPECT(run_on_all_cpus(churn));
    EXPECT(pages_come_back(free_before));
}
