/* Slab caches: allocators for objects of one size. Each CPU has a stack of free objects (a
 * magazine) in front of a locked list of slabs.
 *
 * Rules for slab caches:
 * - An interrupt handler must not use them.
 * - The contents of a new object are undefined.
 * - Empty slabs go back to the page allocator; each cache keeps one.
 * - A CPU uses its magazines with preemption off and without a lock. The cache's lock (class SLAB)
 *   guards the slabs.
 * - Debug builds fill freed objects with a pattern, keep a red zone behind each object, and catch
 *   double frees. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <arch/cpu.h>
#include <arch/preempt.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lock/spinlock.h>
#include <mm/fail_allocation.h>
#include <mm/slab_debug.h>

#define SLAB_MAGAZINE_SIZE 32u
#define SLAB_ALIGNMENT 16u

/* A CPU's own stack of free objects. Only that CPU touches it, with preemption off. */
struct slab_magazine {
    uint32_t count, room;
    void* objects[SLAB_MAGAZINE_SIZE];
};

/* a magazine without room, for CPUs that have none yet */
extern struct slab_magazine slab_no_magazine;

struct slab_cache {
    const char* name;
    size_t object_size; /* the size that the cache's user asked for */
    size_t alignment;
    struct slab_magazine* magazines[CPU_MAX];
    struct spinlock lock; /* class SLAB: guards everything below */
    size_t stride;        /* distance between two objects; 0 until the first use */
    unsigned slab_order;  /* the preferred size of a slab, in pages as a power of two */
    struct list partial;  /* slabs with used and free objects: slab.node */
    struct slab* empty;   /* an empty slab that is kept; NULL: none */
    size_t slab_count;
    size_t objects_taken; /* objects out of slabs: in use, or in a magazine */
    struct list_node all_node;
};

/* For a static cache. It joins the list of all caches at its first use. */
#define SLAB_CACHE_INITIALIZER(cache, name, size) \
    SLAB_CACHE_INITIALIZER_ALIGNED(cache, name, size, SLAB_ALIGNMENT)
/* SLAB_CACHE_INITIALIZER for objects that different CPUs use at once. No two objects share a cache
 * line. */
#define SLAB_CACHE_INITIALIZER_BY_LINES(cache, name, size) \
    SLAB_CACHE_INITIALIZER_ALIGNED(cache, name, size, CACHE_LINE_SIZE)
#define SLAB_CACHE_INITIALIZER_ALIGNED(cache, cache_name, size, object_alignment)              \
    {                                                                                          \
        .name = (cache_name), .object_size = (size), .alignment = (object_alignment),          \
        .magazines = {[0 ... CPU_MAX - 1] = &slab_no_magazine},                                \
        .lock = SPINLOCK_INITIALIZER(LOCK_SLAB), .partial = LIST_INITIALIZER((cache).partial), \
    }

/* Initializes a cache for a size that is known only at run time. `alignment` is a power of two, at
 * most 64. */
void slab_cache_init(struct slab_cache* cache, const char* name, size_t size, size_t alignment);
/* All objects are free. The cache cannot be used again. */
void slab_cache_destroy(struct slab_cache* cache);

/* The inner functions; preemption is off. slab_take returns NULL if this CPU's magazine is
 * empty. */
void* slab_take_slow(struct slab_cache* cache);
void slab_put_slow(struct slab_cache* cache, void* object);

static inline void* slab_take(struct slab_cache* cache) {
    struct slab_magazine* magazine = cache->magazines[cpu_index()];
    if (unlikely(magazine->count == 0))
        return NULL;
    void* object = magazine->objects[--magazine->count];
    ASSUME(object != NULL);
    return object;
}

static inline void slab_put(struct slab_cache* cache, void* object) {
    struct slab_magazine* magazine = cache->magazines[cpu_index()];
    slab_debug_freed(cache->name, object, cache->object_size);
    if (likely(magazine->count < magazine->room))
        magazine->objects[magazine->count++] = object;
    else
        slab_put_slow(cache, object);
}

/* Allocates an object; its contents are undefined. NULL: no memory. */
static inline void* slab_alloc(struct slab_cache* cache) {
    if (allocation_must_fail())
        return NULL;
    preempt_disable();
    void* object = slab_take(cache);
    if (unlikely(!object))
        object = slab_take_slow(cache);
    preempt_enable();
    if (likely(object))
        slab_debug_allocated(cache->name, object, cache->object_size);
    return object;
}

static inline void slab_free(struct slab_cache* cache, void* object) {
    preempt_disable();
    slab_put(cache, object);
    preempt_enable();
}

/* The first attempt of slab_alloc, with preemption off. NULL: the caller must call slab_alloc,
 * which may still succeed. */
static inline void* slab_alloc_inner(struct slab_cache* cache) {
    void* object = allocation_must_fail() ? NULL : slab_take(cache);
    if (likely(object))
        slab_debug_allocated(cache->name, object, cache->object_size);
    return object;
}

/* Undoes slab_alloc_inner. Preemption has been off since then, so the magazine has room. */
static inline void slab_undo_alloc(struct slab_cache* cache, void* object) {
    struct slab_magazine* magazine = cache->magazines[cpu_index()];
    slab_debug_freed(cache->name, object, cache->object_size);
    magazine->objects[magazine->count++] = object;
}

void* slab_alloc_zeroed(struct slab_cache* cache);

/* Allocates memory of any size. Sizes from 16 bytes to 3 KiB come from slab caches (powers of two,
 * and one size between each two). Larger sizes are whole pages. */
void* heap_alloc(size_t size);
void* heap_alloc_zeroed(size_t size);
void heap_free(void* pointer); /* NULL is allowed */

/* Returns the cache that the memory is an object of; NULL: the memory is whole pages. */
struct slab_cache* slab_cache_of(const void* memory);

void slab_init(void);
size_t slab_objects_in_use(void); /* over all caches; exact when no CPU allocates */
/* Frees empty slabs and empties this CPU's magazines, for leak tests. */
void slab_trim(void);
extern struct slab_cache slab_magazine_cache; /* the magazines themselves */
void slab_for_each_cache(void (*visit)(const struct slab_cache* cache, size_t in_use));
