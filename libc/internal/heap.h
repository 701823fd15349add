/* The heap behind malloc. A block has its size in front; free blocks lie in bins by size.
 *
 * Blocks fill arenas without gaps. Each block has its own size and the size of the block before it.
 * So a freed block finds both neighbours, and merges with those that are free. A bitmap shows which
 * bins have blocks, and so where the next larger free block is. A large block has a mapping of its
 * own. The caller holds the heap lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_ALIGNMENT 16
#define HEAP_BLOCK_MIN_SIZE 32u
#define HEAP_LARGE_SIZE (512u << 10) /* blocks of at least this size have their own mapping */

struct heap_block {
    size_t size; /* with the header; the low bits are the flags below */
    size_t
        /* 0: the first in its arena; for a large block: its distance from the mapping's start */
        previous_size;
};
#define HEAP_BLOCK_USED 1ul
#define HEAP_BLOCK_LARGE 2ul
#define HEAP_BLOCK_FLAGS 15ul

static inline size_t heap_block_size(const struct heap_block* block) {
    return block->size & ~HEAP_BLOCK_FLAGS;
}

/* Returns a block of `size` bytes: header included, a multiple of HEAP_ALIGNMENT, at least the
 * minimum. NULL: no memory. */
struct heap_block* heap_take(size_t size);
void heap_give(struct heap_block* block);
/* Frees the bytes of the block behind the first `size`, if they are enough for a block. */
void heap_trim(struct heap_block* block, size_t size);
/* Frees the first `size` bytes of the block. Returns the rest. */
struct heap_block* heap_cut_front(struct heap_block* block, size_t size);
/* Grows the block into a free neighbour. False: not possible. */
bool heap_grow(struct heap_block* block, size_t size);
