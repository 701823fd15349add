/* malloc and its family, on the heap of internal/heap.h. */
#include <internal/heap.h>
#include <internal/lock.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>

static atomic_int heap_lock; /* guards every block header and the bins */

/* The block size for `size` bytes; 0: too large. */
static size_t block_size_for(size_t size) {
    if (size > PTRDIFF_MAX)
        return 0;
    if (size < HEAP_ALIGNMENT)
        size = HEAP_ALIGNMENT; /* that makes HEAP_BLOCK_MIN_SIZE with the header */
    return (size + sizeof(struct heap_block) + HEAP_ALIGNMENT - 1) & -(size_t)HEAP_ALIGNMENT;
}

static void* no_memory(void) {
    errno = ENOMEM;
    return NULL;
}

/* The block of a pointer from malloc. Any other pointer ends the program. */
static struct heap_block* block_of(void* memory) {
    struct heap_block* block = (struct heap_block*)memory - 1;
    if ((uintptr_t)memory % HEAP_ALIGNMENT != 0 || !(block->size & HEAP_BLOCK_USED) ||
        heap_block_size(block) == 0) {
        static const char complaint[] = "libc: free or realloc of what is not allocated\n";
        zx_debug_write(complaint, sizeof(complaint) - 1);
        __builtin_trap();
    }
    return block;
}

static size_t room_in(const struct heap_block* block) {
    return heap_block_size(block) - sizeof(*block);
}

void* malloc(size_t size) {
    size_t block_size = block_size_for(size);
    if (block_size == 0)
        return no_memory();
    lock_acquire(&heap_lock);
    struct heap_block* block = heap_take(block_size);
    lock_release(&heap_lock);
    return block ? block + 1 : no_memory();
}

void free(void* memory) {
    if (!memory)
        return;
    lock_acquire(&heap_lock);
    heap_give(block_of(memory));
    lock_release(&heap_lock);
}

void* calloc(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return no_memory();
    void* memory = malloc(total);
    /* A large block is new memory from the kernel, which is zero. */
    if (memory && !(block_of(memory)->size & HEAP_BLOCK_LARGE))
        memset(memory, 0, total);
    return memory;
}

/* True: the block has room for the new size now. */
static bool resize_in_place(struct heap_block* block, size_t block_size) {
    size_t have = heap_block_size(block);
    if (block_size <= have) {
        /* A large block that would be mostly empty is copied instead. */
        if (block->size & HEAP_BLOCK_LARGE && block_size < have / 2)
            return false;
        heap_trim(block, block_size);
        return true;
    }
    return heap_grow(block, block_size);
}

void* realloc(void* memory, size_t size) {
    if (!memory)
        return malloc(size);
    size_t block_size = block_size_for(size);
    if (block_size == 0)
        return no_memory();
    lock_acquire(&heap_lock);
    struct heap_block* block = block_of(memory);
    bool done = resize_in_place(block, block_size);
    size_t room = room_in(block);
    lock_release(&heap_lock);
    if (done)
        return memory;
    void* copy = malloc(size);
    if (copy) {
        memcpy(copy, memory, room < size ? room : size);
        free(memory);
    }
    return copy;
}

/* Allocates enough to find an aligned place inside, and frees the parts before and behind it. */
static void* allocate_aligned(size_t alignment, size_t size) {
    if (alignment <= HEAP_ALIGNMENT)
        return malloc(size);
    size_t block_size = block_size_for(size);
    size_t whole_size;
    size_t slack = alignment + HEAP_BLOCK_MIN_SIZE;
    if (block_size == 0 || __builtin_add_overflow(block_size, slack, &whole_size) ||
        whole_size > PTRDIFF_MAX)
        return no_memory();
    lock_acquire(&heap_lock);
    struct heap_block* block = heap_take(whole_size);
    if (block) {
        uintptr_t start = (uintptr_t)(block + 1);
        uintptr_t aligned = (start + alignment - 1) & -alignment;
        if (aligned != start && aligned - start < HEAP_BLOCK_MIN_SIZE)
            aligned += alignment; /* the part in front must be large enough for a block */
        if (aligned != start)
            block = heap_cut_front(block, aligned - start);
        heap_trim(block, block_size);
    }
    lock_release(&heap_lock);
    return block ? block + 1 : no_memory();
}

static bool is_power_of_two(size_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

void* aligned_alloc(size_t alignment, size_t size) {
    if (!is_power_of_two(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    return allocate_aligned(alignment, size);
}

int posix_memalign(void** memory, size_t alignment, size_t size) {
    if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0)
        return EINVAL;
    int saved = errno;
    void* result = allocate_aligned(alignment, size);
    errno = saved;
    if (!result)
        return ENOMEM;
    *memory = result;
    return 0;
}
