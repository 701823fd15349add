/* The heap behind malloc: blocks of any size that come, grow, shrink and go.
 * Sources: libc/stdlib/heap.c */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <internal/heap.h>
#include <internal/pages.h>

#include "../kernel/random.h"
#include "../kernel/selftest.h"

#define BLOCKS 200u
#define ROUNDS 15000u
#define HEADER sizeof(struct heap_block)

static size_t mapped_bytes;
static bool is_full; /* no more pages */

void* pages_map(size_t size) {
    if (is_full)
        return NULL;
    void* pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        abort();
    mapped_bytes += size;
    return pages;
}

void pages_unmap(void* pages, size_t size) {
    mapped_bytes -= size;
    if (munmap(pages, size) != 0)
        abort();
}

static struct heap_block* blocks[BLOCKS];
static size_t wanted[BLOCKS]; /* the size asked for, header included */

/* Every byte behind the header says whose it is. */
static void fill(unsigned i) {
    memset((char*)blocks[i] + HEADER, (int)(i + 1), wanted[i] - HEADER);
}

static bool is_filled(unsigned i, size_t size) {
    const uint8_t* bytes = (const uint8_t*)blocks[i] + HEADER;
    for (size_t j = 0; j < size - HEADER; j++)
        if (bytes[j] != (uint8_t)(i + 1))
            return false;
    return true;
}

static size_t any_size(uint32_t* random) {
    static const uint32_t limits[] = {100, 1000, 10000, 100000, 2 * HEAP_LARGE_SIZE};
    size_t size =
        HEAP_BLOCK_MIN_SIZE + random_next(random) % limits[random_next(random) % 20 / 4 % 5];
    return (size + HEAP_ALIGNMENT - 1) & ~(size_t)(HEAP_ALIGNMENT - 1);
}

static void take(unsigned i, size_t size) {
    blocks[i] = heap_take(size);
    wanted[i] = size;
    if (blocks[i])
        fill(i);
}

static void give_all(void) {
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (blocks[i])
            heap_give(blocks[i]);
        blocks[i] = NULL;
    }
}

/* One step with one block; false: a block is not what it should be. */
static bool step(unsigned i, uint32_t* random) {
    size_t size = any_size(random);
    if (!blocks[i]) {
        take(i, size);
        return blocks[i] && heap_block_size(blocks[i]) >= size &&
               (uintptr_t)blocks[i] % HEAP_ALIGNMENT == 0;
    }
    if (!is_filled(i, wanted[i]))
        return false;
    bool is_large = blocks[i]->size & HEAP_BLOCK_LARGE;
    switch (random_next(random) % 4) {
    case 0:
        if (size > heap_block_size(blocks[i]) && heap_grow(blocks[i], size)) {
            if (heap_block_size(blocks[i]) < size || !is_filled(i, wanted[i]))
                return false;
            wanted[i] = size;
            fill(i);
        }
        return true;
    case 1:
        if (!is_large && size < wanted[i]) {
            heap_trim(blocks[i], size);
            wanted[i] = size;
        }
        return heap_block_size(blocks[i]) >= wanted[i];
    default:
        heap_give(blocks[i]);
        blocks[i] = NULL;
        return true;
    }
}

SELFTEST(libc_heap, blocks_never_share_a_byte) {
    uint32_t random = 4;
    for (unsigned i = 0; i < ROUNDS; i++)
        EXPECT(step(random_next(&random) % BLOCKS, &random));
    for (unsigned i = 0; i < BLOCKS; i++)
        EXPECT(!blocks[i] || is_filled(i, wanted[i]));
    give_all();
    /* Neighbours joined: what is left are whole arenas, if anything. */
    EXPECT(mapped_bytes <= 2u << 20);
}

SELFTEST(libc_heap, what_was_given_back_is_used_again) {
    take(0, 4096);
    EXPECT(blocks[0] != NULL);
    size_t before = mapped_bytes;
    for (unsigned i = 0; i < 10000; i++) {
        take(1, 1024);
        EXPECT(blocks[1] != NULL);
        heap_give(blocks[1]);
        blocks[1] = NULL;
    }
    EXPECT_EQUAL(mapped_bytes, before);
    give_all();
}

SELFTEST(libc_heap, no_memory_is_no_block_and_no_harm) {
    take(0, 4096);
    EXPECT(blocks[0] != NULL);
    is_full = true;
    EXPECT(!heap_take(HEAP_LARGE_SIZE + 4096));
    unsigned count = 1;
    while (count < BLOCKS && (blocks[count] = heap_take(32768)))
        wanted[count++] = 32768;
    EXPECT(count < BLOCKS);
    EXPECT(is_filled(0, 4096));
    is_full = false;
    give_all();
    take(0, HEAP_LARGE_SIZE + 4096);
    EXPECT(blocks[0] != NULL);
    give_all();
}
