/* The heap behind malloc: blocks with their size in front, free ones in bins by size.
 *
 * Blocks fill arenas without gaps; each knows its own size and that of the block before it, so that
 * a freed block finds its neighbours and joins those that are free. The bins say by one bitmap
 * where the next larger free block is. Large blocks have a mapping of their own. The caller holds
 * the heap lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_ALIGNMENT 16
#define HEAP_BLOCK_MIN_SIZE 32u
#define HEAP_LARGE_SIZE (512u << 10) /* from here on a block is mapped for itself */

struct heap_block {
    size_t size; /* header included, and the flags below in the low bits */
    size_t
        previous_size; /* 0: the first of its arena. Of a large block: bytes from mapping's start */
};
#define HEAP_BLOCK_USED 1ul
#define HEAP_BLOCK_LARGE 2ul
#define HEAP_BLOCK_FLAGS 15ul

static inline size_t heap_block_size(const struct heap_block* block) {
    return block->size & ~HEAP_BLOCK_FLAGS;
}

/* `size` is a block's: header included, a multiple of HEAP_ALIGNMENT, at least the minimum. NULL:
 * no memory. */
struct heap_block* heap_take(size_t size);
void heap_give(struct heap_block* block);
/* Cuts what is behind the first `size` bytes off and frees it, when it is worth it. */
void heap_trim(struct heap_block* block, size_t size);
/* Cuts the first `size` bytes off and frees them; answers the rest. */
struct heap_block* heap_cut_front(struct heap_block* block, size_t size);
/* Grows into a free neighbour; false: not possible. */
bool heap_grow(struct heap_block* block, size_t size);
