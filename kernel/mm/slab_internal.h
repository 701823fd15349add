/* Between the slab files: the debug build's guards. */
#pragma once

#include <mm/slab.h>

#define PAGE_FLAG_SLAB 1u /* struct page.flags: `owner` is the slab */

struct slab_cache* slab_cache_of(const void* object);

#ifdef JACINTH_DEBUG
#define SLAB_RED_ZONE_SIZE 16u
/* A new slab's object is free and has its red zone. */
void slab_debug_fresh(const struct slab_cache* cache, void* object);
#else
#define SLAB_RED_ZONE_SIZE 0u
static inline void slab_debug_fresh(const struct slab_cache* cache, void* object) {
    (void)cache, (void)object;
}
#endif
