/* See internal/heap.h. */
#include <internal/heap.h>
#include <internal/pages.h>

#define ARENA_SIZE (1u << 20)
#define SMALL_SIZE_END 1024u /* smaller sizes: one bin for each multiple of HEAP_ALIGNMENT */
#define SMALL_BIN_COUNT (SMALL_SIZE_END / HEAP_ALIGNMENT)
#define BIN_COUNT 128u /* larger sizes: four bins for each power of two */

struct free_block {
    struct heap_block block;
    struct free_block *next, *previous; /* in the bin's list */
};

_Static_assert(sizeof(struct free_block) <= HEAP_BLOCK_MIN_SIZE, "free blocks carry links");

/* Stands at the start of each arena's mapping. The blocks follow, then a used block of size 0. */
struct arena {
    size_t size;
    size_t padding;
};

static struct free_block* bins[BIN_COUNT];
static uint64_t bins_in_use[BIN_COUNT / 64];
static size_t arena_count;

static struct heap_block* block_behind(struct heap_block* block) {
    return (struct heap_block*)((char*)block + heap_block_size(block));
}

static struct heap_block* block_before(struct heap_block* block) {
    return (struct heap_block*)((char*)block - block->previous_size);
}

static bool is_free(const struct heap_block* block) {
    return !(block->size & HEAP_BLOCK_USED);
}

/* --- bins --------------------------------------------------------------------------------- */

static unsigned bin_of(size_t size) {
    if (size < SMALL_SIZE_END)
        return (unsigned)(size / HEAP_ALIGNMENT);
    unsigned power = 63 - (unsigned)__builtin_clzl(size);
    unsigned bin = SMALL_BIN_COUNT + (power - 10) * 4 + (size >> (power - 2) & 3);
    return bin < BIN_COUNT ? bin : BIN_COUNT - 1;
}

static void bin_insert(struct heap_block* block) {
    struct free_block* entry = (struct free_block*)block;
    unsigned bin = bin_of(heap_block_size(block));
    entry->previous = NULL;
    entry->next = bins[bin];
    if (entry->next)
        entry->next->previous = entry;
    bins[bin] = entry;
    bins_in_use[bin / 64] |= 1ul << bin % 64;
}

static void bin_remove(struct heap_block* block) {
    struct free_block* entry = (struct free_block*)block;
    unsigned bin = bin_of(heap_block_size(block));
    if (entry->next)
        entry->next->previous = entry->previous;
    if (entry->previous) {
        entry->previous->next = entry->next;
        return;
    }
    bins[bin] = entry->next;
    if (!bins[bin])
        bins_in_use[bin / 64] &= ~(1ul << bin % 64);
}

/* The first bin from `bin` on that has blocks; BIN_COUNT: none. */
static unsigned next_bin(unsigned bin) {
    if (bin >= BIN_COUNT)
        return BIN_COUNT;
    uint64_t word = bins_in_use[bin / 64] & ~0ul << bin % 64;
    if (word)
        return bin / 64 * 64 + (unsigned)__builtin_ctzl(word);
    return next_bin((bin / 64 + 1) * 64);
}

/* Blocks in the bin of `size` itself may be too small; blocks in later bins are not. */
static struct heap_block* find_free(size_t size) {
    unsigned bin = bin_of(size);
    for (struct free_block* entry = bins[bin]; entry; entry = entry->next)
        if (heap_block_size(&entry->block) >= size)
            return &entry->block;
    bin = next_bin(bin + 1);
    return bin < BIN_COUNT ? &bins[bin]->block : NULL;
}

/* --- arenas ------------------------------------------------------------------------------- */

static struct heap_block* add_arena(void) {
    struct arena* arena = pages_map(ARENA_SIZE);
    if (!arena)
        return NULL;
    arena->size = ARENA_SIZE;
    arena_count++;
    struct heap_block* block = (struct heap_block*)(arena + 1);
    block->size = ARENA_SIZE - sizeof(*arena) - sizeof(struct heap_block);
    block->previous_size = 0;
    *block_behind(block) = (struct heap_block){HEAP_BLOCK_USED, block->size};
    bin_insert(block);
    return block;
}

/* An arena that is one free block is unmapped, unless it is the last arena. */
static bool release_arena(struct heap_block* block) {
    if (block->previous_size != 0 || heap_block_size(block_behind(block)) != 0 || arena_count == 1)
        return false;
    struct arena* arena = (struct arena*)block - 1;
    arena_count--;
    pages_unmap(arena, arena->size);
    return true;
}

/* --- blocks ------------------------------------------------------------------------------- */

static void set_size(struct heap_block* block, size_t size, size_t flags) {
    block->size = size | flags;
    block_behind(block)->previous_size = size;
}

static struct heap_block* take_large(size_t size) {
    size_t mapping_size = (size + 4095) & ~4095ul;
    struct heap_block* block = pages_map(mapping_size);
    if (block)
        *block = (struct heap_block){mapping_size | HEAP_BLOCK_USED | HEAP_BLOCK_LARGE, 0};
    return block;
}

struct heap_block* heap_take(size_t size) {
    if (size >= HEAP_LARGE_SIZE)
        return take_large(size);
    struct heap_block* block = find_free(size);
    if (!block && !(block = add_arena()))
        return NULL;
    bin_remove(block);
    block->size |= HEAP_BLOCK_USED;
    heap_trim(block, size);
    return block;
}

void heap_give(struct heap_block* block) {
    size_t size = heap_block_size(block);
    if (block->size & HEAP_BLOCK_LARGE) {
        pages_unmap((char*)block - block->previous_size, size + block->previous_size);
        return;
    }
    struct heap_block* behind = block_behind(block);
    if (is_free(behind)) {
        bin_remove(behind);
        size += heap_block_size(behind);
    }
    if (block->previous_size != 0 && is_free(block_before(block))) {
        size_t before = block->previous_size;
        block = block_before(block);
        bin_remove(block);
        size += before;
    }
    set_size(block, size, 0);
    if (!release_arena(block))
        bin_insert(block);
}

void heap_trim(struct heap_block* block, size_t size) {
    size_t rest = heap_block_size(block) - size;
    if (block->size & HEAP_BLOCK_LARGE || rest < HEAP_BLOCK_MIN_SIZE)
        return;
    set_size(block, size, HEAP_BLOCK_USED);
    struct heap_block* tail = block_behind(block);
    set_size(tail, rest, HEAP_BLOCK_USED);
    heap_give(tail);
}

struct heap_block* heap_cut_front(struct heap_block* block, size_t size) {
    struct heap_block* rest = (struct heap_block*)((char*)block + size);
    size_t rest_size = heap_block_size(block) - size;
    if (block->size & HEAP_BLOCK_LARGE) {
        *rest = (struct heap_block){rest_size | HEAP_BLOCK_USED | HEAP_BLOCK_LARGE,
                                    block->previous_size + size};
        return rest;
    }
    set_size(rest, rest_size, HEAP_BLOCK_USED);
    set_size(block, size, HEAP_BLOCK_USED);
    heap_give(block);
    return rest;
}

bool heap_grow(struct heap_block* block, size_t size) {
    if (block->size & HEAP_BLOCK_LARGE)
        return false;
    struct heap_block* behind = block_behind(block);
    size_t together = heap_block_size(block) + heap_block_size(behind);
    if (!is_free(behind) || together < size)
        return false;
    bin_remove(behind);
    set_size(block, together, HEAP_BLOCK_USED);
    heap_trim(block, size);
    return true;
}
