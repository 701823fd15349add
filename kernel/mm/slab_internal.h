/* What the slab files share: the guards of debug builds. */
#pragma once

#include <mm/slab.h>

#define PAGE_FLAG_SLAB 1u /* in struct page.flags: `owner` is a slab */

struct slab_cache* slab_cache_of(const void* object);

#ifdef JACINTH_DEBUG
#define SLAB_RED_ZONE_SIZE 16u
/* Marks an object of a new slab as free, and writes its red zone. */
void slab_debug_fresh(const struct slab_cache* cache, void* object);
#else
#define SLAB_RED_ZONE_SIZE 0u
static inline void slab_debug_fresh(const struct slab_cache* cache, void* object) {
    (void)cache, (void)object;
}
#endif
