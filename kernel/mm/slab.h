/* Slab caches: objects of one size, per-CPU stacks of free ones in front of a locked list of slabs.
 *
 * Debug builds poison freed objects, keep a red zone behind each, and catch double frees. Empty
 * slabs go back to the page allocator (one is kept). Not from interrupt context. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/cpu.h>
#include <arch/keeping_call.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lock/preempt.h>
#include <lock/spinlock.h>

#define SLAB_MAGAZINE_SIZE 32u
#define SLAB_ALIGNMENT 16u

/* A CPU's own stack of free objects: only that CPU touches it, with preemption off. */
struct slab_magazine {
    uint32_t count, room;
    void* objects[SLAB_MAGAZINE_SIZE];
};

extern struct slab_magazine slab_no_magazine; /* without room: for CPUs that have none yet */

struct slab_cache {
    const char* name;
    size_t object_size; /* as asked for */
    size_t alignment;
    struct slab_magazine* magazines[CPU_MAX];
    struct spinlock lock;             /* SLAB: guards all below */
    size_t stride;                    /* distance of two objects; 0 until first use */
    unsigned slab_order;              /* pages of a slab, if there is such a block */
    struct list partial, full, empty; /* struct slab.node */
    uint32_t empty_count;
    size_t slab_count;
    size_t objects_taken; /* out of slabs: in use or in a magazine */
    struct list_node all_node;
};

/* For a static cache; it joins the list of all caches at first use. */
#define SLAB_CACHE_INITIALIZER(cache, name, size) \
    SLAB_CACHE_INITIALIZER_ALIGNED(cache, name, size, SLAB_ALIGNMENT)
/* The same for objects that different CPUs are busy with: no two share a cache line. */
#define SLAB_CACHE_INITIALIZER_BY_LINES(cache, name, size) \
    SLAB_CACHE_INITIALIZER_ALIGNED(cache, name, size, CACHE_LINE_SIZE)
#define SLAB_CACHE_INITIALIZER_ALIGNED(cache, cache_name, size, object_alignment)              \
    {                                                                                          \
        .name = (cache_name), .object_size = (size), .alignment = (object_alignment),          \
        .magazines = {[0 ... CPU_MAX - 1] = &slab_no_magazine},                                \
        .lock = SPINLOCK_INITIALIZER(LOCK_SLAB), .partial = LIST_INITIALIZER((cache).partial), \
        .full = LIST_INITIALIZER((cache).full), .empty = LIST_INITIALIZER((cache).empty),      \
    }

/* For sizes known at run time only. `alignment` is a power of two of at most 64. */
void slab_cache_init(struct slab_cache* cache, const char* name, size_t size, size_t alignment);
void slab_cache_destroy(struct slab_cache* cache); /* every object was freed */

void* slab_alloc_slow(struct slab_cache* cache);
void slab_free_slow(struct slab_cache* cache, void* object);

/* What slab_alloc and slab_free do with preemption off. */
#ifdef JACINTH_DEBUG
void* slab_alloc_inner(struct slab_cache* cache);
void slab_free_inner(struct slab_cache* cache, void* object);
#else
static inline void* slab_alloc_inner(struct slab_cache* cache) {
    struct slab_magazine* magazine = cache->magazines[cpu_number()];
    if (unlikely(magazine->count == 0))
        return CALL_KEEPING_1_FOR_ANSWER(slab_alloc_slow, cache);
    void* object = magazine->objects[--magazine->count];
    ASSUME(object != NULL);
    return object;
}

static inline void slab_free_inner(struct slab_cache* cache, void* object) {
    struct slab_magazine* magazine = cache->magazines[cpu_number()];
    if (likely(magazine->count < magazine->room))
        magazine->objects[magazine->count++] = object;
    else
        CALL_KEEPING_2(slab_free_slow, cache, object);
}
#endif

/* NULL: no memory. Contents undefined. */
static inline void* slab_alloc(struct slab_cache* cache) {
    preempt_disable();
    void* object = slab_alloc_inner(cache);
    preempt_enable();
    return object;
}

static inline void slab_free(struct slab_cache* cache, void* object) {
    preempt_disable();
    slab_free_inner(cache, object);
    preempt_enable();
}
void* slab_alloc_zeroed(struct slab_cache* cache);

/* Variable sizes: caches of 16 B to 2 KiB (powers of two and the halves between), whole pages
 * above. */
void* heap_alloc(size_t size);
void* heap_alloc_zeroed(size_t size);
void heap_free(void* pointer); /* NULL allowed */

void slab_init(void);
size_t slab_objects_in_use(void); /* over all caches; exact when the CPUs are quiet */
/* Gives empty slabs and this CPU's magazines back, for leak tests. */
void slab_trim(void);
extern struct slab_cache slab_magazine_cache; /* what the CPUs keep for later lies in these */
void slab_for_each_cache(void (*visit)(const struct slab_cache* cache, size_t in_use));
