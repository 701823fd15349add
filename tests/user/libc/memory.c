/* malloc and its family. */
#include <objects.h>
#include <test.h>

#include <errno.h>
#include <stdlib.h>
#include <threads.h>

#define SLOTS 300
#define STEPS 20000

struct block {
    unsigned char* memory;
    size_t size;
    unsigned char mark;
};

static bool is_intact(const struct block* block) {
    for (size_t i = 0; i < block->size; i += 1 + block->size / 61)
        if (block->memory[i] != block->mark)
            return false;
    return block->size == 0 || block->memory[block->size - 1] == block->mark;
}

static size_t some_size(void) {
    int kind = rand() % 100;
    return (size_t)rand() % (kind < 90 ? 400 : kind < 98 ? 20000 : 900000);
}

/* One random step: 0 when all is well. */
static int step(struct block* block) {
    if (block->memory && !is_intact(block))
        return 1;
    size_t size = some_size();
    if (!block->memory) {
        block->memory = rand() % 4 ? malloc(size) : aligned_alloc(256, size);
    } else if (rand() % 2) {
        size_t old = block->size;
        block->memory = realloc(block->memory, size);
        if (block->memory && old > 0 && size > 0 && block->memory[0] != block->mark)
            return 1;
    } else {
        free(block->memory);
        block->memory = NULL;
        return 0;
    }
    if (!block->memory || (uintptr_t)block->memory % 16 != 0)
        return 1;
    block->size = size;
    block->mark = (unsigned char)rand();
    memset(block->memory, block->mark, size);
    return 0;
}

static int use_heap(void* unused) {
    (void)unused;
    struct block* blocks = calloc(SLOTS, sizeof(*blocks));
    int faults = !blocks;
    for (int i = 0; i < STEPS && !faults; i++)
        faults = step(&blocks[rand() % SLOTS]);
    for (int i = 0; i < SLOTS && blocks; i++)
        free(blocks[i].memory);
    free(blocks);
    return faults;
}

TEST(malloc, random_use_keeps_every_block_intact) {
    srand(1);
    EXPECT_EQUAL(use_heap(NULL), 0);
}

TEST(malloc, four_threads_at_once) {
    thrd_t threads[4];
    int result;
    for (size_t i = 0; i < countof(threads); i++)
        EXPECT_EQUAL(thrd_create(&threads[i], use_heap, NULL), thrd_success);
    for (size_t i = 0; i < countof(threads); i++) {
        EXPECT_EQUAL(thrd_join(threads[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
}

TEST(malloc, absurd_sizes_are_refused) {
    volatile size_t absurd = SIZE_MAX;
    errno = 0;
    EXPECT(!malloc(absurd));
    EXPECT_EQUAL(errno, ENOMEM);
    EXPECT(!malloc(absurd / 2));
    EXPECT(!calloc(absurd / 4, 5));
    EXPECT(!aligned_alloc(4096, absurd - 4095));
    void* memory = malloc(10);
    EXPECT(!realloc(memory, absurd));
    free(memory);
    free(NULL);
}

TEST(malloc, large_blocks_go_back_to_the_kernel) {
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 20; i++) {
        char* memory = malloc(8u << 20);
        EXPECT(memory);
        for (size_t k = 0; k < 8u << 20; k += PAGE_SIZE_BYTES)
            memory[k] = 'x';
        free(memory);
    }
    EXPECT(kernel_memory().free_pages + 512 >= before.free_pages);
}

TEST(malloc, calloc_is_zero_after_reuse) {
    for (int i = 0; i < 100; i++) {
        size_t size = 100 + (size_t)i * 37;
        unsigned char* dirty = malloc(size);
        memset(dirty, 0xff, size);
        free(dirty);
        unsigned char* clean = calloc(size, 1);
        for (size_t k = 0; k < size; k++)
            EXPECT_EQUAL(clean[k], 0);
        free(clean);
    }
}
