/* Making and freeing the two ends of a pair. Inline, so that each type's slab cache is a constant.
 */
#pragma once

#include <abi/errors.h>
#include <mm/slab.h>
#include <object/object.h>

/* Allocates both ends and the lock that they share, and initializes their objects. An end begins
 * with its object. NO_MEMORY. */
MUST_CHECK static ALWAYS_INLINE zx_status_t object_pair_create(struct slab_cache* cache,
                                                               const struct object_ops* ops,
                                                               zx_signals_t signals,
                                                               struct object* ends[2]) {
    struct peer_lock* lock = peer_lock_create();
    if (!lock)
        return ZX_ERR_NO_MEMORY;
    ends[0] = slab_alloc(cache);
    if (!ends[0])
        goto free_lock;
    ends[1] = slab_alloc(cache);
    if (!ends[1])
        goto free_end0;
    object_init(ends[0], ops, &lock->lock, signals);
    object_init(ends[1], ops, &lock->lock, signals);
    lock->koids = ends[0]->koid ^ ends[1]->koid;
    return ZX_OK;

free_end0:
    slab_free(cache, ends[0]);
free_lock:
    peer_lock_release(lock);
    peer_lock_release(lock);
    return ZX_ERR_NO_MEMORY;
}

/* Frees an end, and the lock with the second one. */
static inline void object_pair_free(struct slab_cache* cache, struct object* end) {
    peer_lock_release(peer_lock_of(end));
    slab_free(cache, end);
}
