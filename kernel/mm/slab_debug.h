/* The guards of slab objects in debug builds. A free object is filled with a pattern, which is
 * checked when the object is allocated again. A red zone behind each object says whether the object
 * is in use. `size` is the object's; `cache` is a name for the panic. */
#pragma once

#include <stddef.h>

#ifdef JACINTH_DEBUG
#define SLAB_RED_ZONE_SIZE 16u
/* Marks an object of a new slab as free, and writes its red zone. */
void slab_debug_fresh(void* object, size_t size);
/* Called when an object is allocated, or freed. Panics if a guard is broken. */
void slab_debug_allocated(const char* cache, void* object, size_t size);
void slab_debug_freed(const char* cache, void* object, size_t size);
#else
#define SLAB_RED_ZONE_SIZE 0u
static inline void slab_debug_fresh(void* object, size_t size) {
    (void)object, (void)size;
}
static inline void slab_debug_allocated(const char* cache, void* object, size_t size) {
    (void)cache, (void)object, (void)size;
}
static inline void slab_debug_freed(const char* cache, void* object, size_t size) {
    (void)cache, (void)object, (void)size;
}
#endif
