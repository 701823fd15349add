/* slab_alloc and slab_free of debug builds. A freed object is filled with a pattern, which is
 * checked when the object is allocated again. A red zone behind each object says whether the object
 * is in use. */
#include <mm/slab_internal.h>

#ifdef JACINTH_DEBUG

#include <debug/panic.h>
#include <lib/string.h>
#include <mm/fail_allocation.h>

#define FREE_PATTERN 0xdd
#define FRESH_PATTERN                                                          \
    0xcd /* of a new object: code that reads before it writes should fail soon \
          */
#define ZONE_FREE 0xf4eef4eef4eef4eeul
#define ZONE_USED 0x05ed05ed05ed05edul

static uint64_t* red_zone(const struct slab_cache* cache, void* object) {
    return (uint64_t*)((char*)object + ALIGN_UP(cache->object_size, sizeof(uint64_t)));
}

void slab_debug_fresh(const struct slab_cache* cache, void* object) {
    memset(object, FREE_PATTERN, cache->object_size);
    *red_zone(cache, object) = ZONE_FREE;
}

/* The first word is left out: it chains the free objects of a slab. */
static void check_free_pattern(const struct slab_cache* cache, const void* object) {
    const uint8_t* bytes = object;
    for (size_t i = sizeof(void*); i < cache->object_size; i++)
        if (bytes[i] != FREE_PATTERN)
            panic("slab cache '%s': object %p was written after it was freed, at byte %zu",
                  cache->name, object, i);
}

void* slab_alloc_inner(struct slab_cache* cache) {
    if (allocation_must_fail())
        return NULL;
    struct slab_magazine* magazine = cache->magazines[cpu_number()];
    void* object =
        magazine->count > 0 ? magazine->objects[--magazine->count] : slab_alloc_slow(cache);
    if (!object)
        return NULL;
    if (*red_zone(cache, object) != ZONE_FREE)
        panic("slab cache '%s': object %p is given out twice or overrun", cache->name, object);
    check_free_pattern(cache, object);
    *red_zone(cache, object) = ZONE_USED;
    memset(object, FRESH_PATTERN, cache->object_size);
    return object;
}

void slab_free_inner(struct slab_cache* cache, void* object) {
    uint64_t zone = *red_zone(cache, object);
    if (zone != ZONE_USED)
        panic("slab cache '%s': object %p %s", cache->name, object,
              zone == ZONE_FREE ? "is freed twice" : "was overrun");
    slab_debug_fresh(cache, object);
    struct slab_magazine* magazine = cache->magazines[cpu_number()];
    if (magazine->count < magazine->room)
        magazine->objects[magazine->count++] = object;
    else
        slab_free_slow(cache, object);
}

#endif
