#include <mm/slab_debug.h>

#ifdef JACINTH_DEBUG

#include <stdint.h>

#include <debug/panic.h>
#include <lib/address.h>
#include <lib/string.h>

#define FREE_PATTERN 0xdd
#define FRESH_PATTERN                                                          \
    0xcd /* of a new object: code that reads before it writes should fail soon \
          */
#define ZONE_FREE 0xf4eef4eef4eef4eeul
#define ZONE_USED 0x05ed05ed05ed05edul

static uint64_t* red_zone(void* object, size_t size) {
    return (uint64_t*)((char*)object + ALIGN_UP(size, sizeof(uint64_t)));
}

void slab_debug_fresh(void* object, size_t size) {
    memset(object, FREE_PATTERN, size);
    *red_zone(object, size) = ZONE_FREE;
}

/* The first word is left out: it chains the free objects of a slab. */
static void check_free_pattern(const char* cache, const void* object, size_t size) {
    const uint8_t* bytes = object;
    for (size_t i = sizeof(void*); i < size; i++)
        if (bytes[i] != FREE_PATTERN)
            panic("slab cache '%s': object %p was written after it was freed, at byte %zu", cache,
                  object, i);
}

void slab_debug_allocated(const char* cache, void* object, size_t size) {
    if (*red_zone(object, size) != ZONE_FREE)
        panic("slab cache '%s': object %p is given out twice or overrun", cache, object);
    check_free_pattern(cache, object, size);
    *red_zone(object, size) = ZONE_USED;
    memset(object, FRESH_PATTERN, size);
}

void slab_debug_freed(const char* cache, void* object, size_t size) {
    uint64_t zone = *red_zone(object, size);
    if (zone != ZONE_USED)
        panic("slab cache '%s': object %p %s", cache, object,
              zone == ZONE_FREE ? "is freed twice" : "was overrun");
    slab_debug_fresh(object, size);
}

#endif
