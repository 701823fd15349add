/* A slab is a block of pages: a header, then objects. The struct page of each page points back to
 * the slab. Free objects of a slab are chained through their first word.
 *
 * Large objects need slabs of several pages. When memory is fragmented and has no such block, a
 * smaller slab is made. So the slabs of one cache may differ in size. */
#include <mm/slab.h>

#include <debug/emergency_console.h>
#include <debug/console.h>
#include <debug/panic.h>
#include <lib/string.h>
#include <mm/fail_allocation.h>
#include <mm/page.h>
#include <mm/slab_debug.h>

#define OBJECTS_PER_SLAB_WANTED 8u
#define SLAB_ORDER_MAX 3u

struct slab {
    struct list_node node; /* in slab_cache.partial; a full or an empty slab is in no list */
    struct slab_cache* cache;
    uint16_t free_count;
    uint16_t capacity; /* how many objects the slab has */
    uint32_t order;    /* the block has 2^order pages */
    void* first_free;
};

static struct spinlock all_lock = SPINLOCK_INITIALIZER(LOCK_SLAB);
static struct list all_caches = LIST_INITIALIZER(all_caches);

struct slab_magazine slab_no_magazine;

/* The cache of magazines has no magazines itself. */
struct slab_cache slab_magazine_cache = SLAB_CACHE_INITIALIZER_BY_LINES(
    slab_magazine_cache, "slab magazine", sizeof(struct slab_magazine));

void slab_cache_init(struct slab_cache* cache, const char* name, size_t size, size_t alignment) {
    *cache = (struct slab_cache)SLAB_CACHE_INITIALIZER(*cache, name, size);
    cache->alignment = MAX(alignment, SLAB_ALIGNMENT);
}

static size_t header_size(const struct slab_cache* cache) {
    return ALIGN_UP(sizeof(struct slab), cache->alignment);
}

/* Returns how many objects a slab of 2^order pages has. */
static uint32_t objects_in(const struct slab_cache* cache, size_t stride, unsigned order) {
    return (uint32_t)(((PAGE_SIZE << order) - header_size(cache)) / stride);
}

/* Prepares a cache at its first use: computes its sizes and adds it to the list. Preemption is off.
 * `stride` is written last, with a release store: a CPU that reads it without the lock sees the
 * other sizes too. */
static void prepare_cache(struct slab_cache* cache) {
    spin_lock(&all_lock);
    if (cache->stride == 0) {
        list_push_back(&all_caches, &cache->all_node);
        size_t stride = ALIGN_UP(cache->object_size + SLAB_RED_ZONE_SIZE, cache->alignment);
        unsigned order = 0;
        while (order < SLAB_ORDER_MAX && objects_in(cache, stride, order) < OBJECTS_PER_SLAB_WANTED)
            order++;
        cache->slab_order = order;
        __atomic_store_n(&cache->stride, stride, __ATOMIC_RELEASE);
    }
    spin_unlock(&all_lock);
}

/* --- slabs, under the cache's lock ----------------------------------------------------------- */

/* Returns the slab of an object. Every page of a slab's block points to the slab. */
static struct slab* slab_of(const void* object) {
    return page_from_virtual(object)->owner;
}

struct slab_cache* slab_cache_of(const void* memory) {
    const struct slab* slab = slab_of(memory);
    return slab ? slab->cache : NULL;
}

/* Allocates a block of the preferred order. If there is none, allocates the largest smaller block
 * that has room for an object. */
static struct page* block_alloc(const struct slab_cache* cache, unsigned* order) {
    for (*order = cache->slab_order; *order > 0; --*order) {
        struct page* page = page_alloc_order(*order);
        if (page)
            return page;
        if (objects_in(cache, cache->stride, *order - 1) == 0)
            return NULL;
    }
    return page_alloc();
}

static struct slab* slab_create(struct slab_cache* cache) {
    unsigned order;
    struct page* page = block_alloc(cache, &order);
    if (!page)
        return NULL;
    struct slab* slab = page_to_virtual(page);
    for (size_t i = 0; i < 1ul << order; i++)
        page[i].owner = slab;
    uint16_t capacity = (uint16_t)objects_in(cache, cache->stride, order);
    *slab =
        (struct slab){.cache = cache, .free_count = capacity, .capacity = capacity, .order = order};
    char* object = (char*)slab + header_size(cache);
    for (uint32_t i = 0; i < capacity; i++, object += cache->stride) {
        slab_debug_fresh(object, cache->object_size);
        *(void**)object = slab->first_free;
        slab->first_free = object;
    }
    cache->slab_count++;
    return slab;
}

static void slab_release(struct slab_cache* cache, struct slab* slab) {
    struct page* page = page_from_virtual(slab);
    unsigned order = slab->order;
    for (size_t i = 0; i < 1ul << order; i++)
        page[i].owner = NULL;
    cache->slab_count--;
    if (order == 0)
        page_free(page);
    else
        page_free_order(page, order);
}

static void* take_object_locked(struct slab_cache* cache) {
    struct list_node* node = list_first(&cache->partial);
    struct slab* slab = node ? LIST_ENTRY(node, struct slab, node) : NULL;
    if (!slab) {
        slab = cache->empty ? cache->empty : slab_create(cache);
        if (!slab)
            return NULL;
        cache->empty = NULL;
        list_push_front(&cache->partial, &slab->node);
    }
    void* object = slab->first_free;
    slab->first_free = *(void**)object;
    if (--slab->free_count == 0)
        list_remove(&slab->node);
    cache->objects_taken++;
    return object;
}

static void give_back_locked(struct slab_cache* cache, void* object) {
    struct slab* slab = slab_of(object);
    ASSERT(slab->cache == cache);
    *(void**)object = slab->first_free;
    slab->first_free = object;
    cache->objects_taken--;
    if (slab->free_count++ == 0)
        list_push_front(&cache->partial, &slab->node);
    if (slab->free_count < slab->capacity)
        return;
    list_remove(&slab->node);
    if (cache->empty)
        slab_release(cache, slab);
    else
        cache->empty = slab;
}

/* --- magazines, preemption off ---------------------------------------------------------------- */

static struct slab_magazine* magazine_get(struct slab_cache* cache) {
    struct slab_magazine** place = &cache->magazines[cpu_number()];
    if (*place == &slab_no_magazine && cache != &slab_magazine_cache) {
        struct slab_magazine* magazine = slab_take_slow(&slab_magazine_cache);
        if (magazine) {
            magazine->count = 0;
            magazine->room = SLAB_MAGAZINE_SIZE;
            *place = magazine;
        }
    }
    return *place;
}

/* Returns how many objects move between a magazine and slabs in one lock hold. */
static uint32_t batch_of(const struct slab_magazine* magazine) {
    return magazine->room / 2;
}

void* slab_take_slow(struct slab_cache* cache) {
    if (__atomic_load_n(&cache->stride, __ATOMIC_ACQUIRE) == 0)
        prepare_cache(cache);
    struct slab_magazine* magazine = magazine_get(cache);
    spin_lock(&cache->lock);
    void* object = take_object_locked(cache);
    /* The rest of the batch comes only from slabs that exist: no new slab is made for it. */
    while (object && magazine->count < batch_of(magazine) && !list_is_empty(&cache->partial))
        magazine->objects[magazine->count++] = take_object_locked(cache);
    spin_unlock(&cache->lock);
    return object;
}

/* Moves half of a full magazine back to slabs. So the next frees find room, and the next
 * allocations find objects. */
void slab_put_slow(struct slab_cache* cache, void* object) {
    struct slab_magazine* magazine = magazine_get(cache);
    spin_lock(&cache->lock);
    give_back_locked(cache, object);
    while (magazine->count > batch_of(magazine))
        give_back_locked(cache, magazine->objects[--magazine->count]);
    spin_unlock(&cache->lock);
}

void* slab_alloc_zeroed(struct slab_cache* cache) {
    void* object = slab_alloc(cache);
    if (object)
        memset(object, 0, cache->object_size);
    return object;
}

/* --- all caches ------------------------------------------------------------------------------- */

/* Puts the objects of the magazine back into slabs, and frees the empty slab. */
static void trim(struct slab_cache* cache, struct slab_magazine* magazine) {
    spin_lock(&cache->lock);
    while (magazine->count > 0)
        give_back_locked(cache, magazine->objects[--magazine->count]);
    if (cache->empty)
        slab_release(cache, cache->empty);
    cache->empty = NULL;
    spin_unlock(&cache->lock);
}

/* The list is walked without its lock. Caches are added only at the end. A cache is removed only
 * while no other code walks the list. */
void slab_trim(void) {
    LIST_FOR_EACH(node, &all_caches) {
        struct slab_cache* cache = LIST_ENTRY(node, struct slab_cache, all_node);
        preempt_disable();
        trim(cache, cache->magazines[cpu_number()]);
        preempt_enable();
    }
}

static size_t objects_in_use(const struct slab_cache* cache) {
    size_t count = cache->objects_taken;
    for (uint32_t cpu = 0; cpu < CPU_MAX; cpu++)
        count -= cache->magazines[cpu]->count;
    return count;
}

size_t slab_objects_in_use(void) {
    size_t count = 0;
    LIST_FOR_EACH(node, &all_caches) {
        const struct slab_cache* cache = LIST_ENTRY(node, struct slab_cache, all_node);
        if (cache != &slab_magazine_cache)
            count += objects_in_use(cache);
    }
    return count;
}

void slab_for_each_cache(void (*visit)(const struct slab_cache* cache, size_t in_use)) {
    LIST_FOR_EACH(node, &all_caches) {
        const struct slab_cache* cache = LIST_ENTRY(node, struct slab_cache, all_node);
        visit(cache, objects_in_use(cache));
    }
}

void slab_cache_destroy(struct slab_cache* cache) {
    for (uint32_t cpu = 0; cpu < CPU_MAX; cpu++) {
        trim(cache, cache->magazines[cpu]);
        if (cache->magazines[cpu] == &slab_no_magazine)
            continue;
        preempt_disable();
        slab_put_slow(&slab_magazine_cache, cache->magazines[cpu]);
        preempt_enable();
    }
    CHECK(cache->slab_count == 0);
    if (cache->stride != 0) {
        spin_lock(&all_lock);
        list_remove(&cache->all_node);
        spin_unlock(&all_lock);
    }
}

static void print_cache(const struct slab_cache* cache, size_t in_use) {
    console_printf("  %-20s %5zu bytes  %7zu in use  %5zu slabs\n", cache->name, cache->object_size,
                   in_use, cache->slab_count);
}

DEBUG_COMMAND(memory, "pages and slab caches") {
    console_printf("  %zu of %zu pages free\n", page_count_free(), page_count_total());
    slab_for_each_cache(print_cache);
}
