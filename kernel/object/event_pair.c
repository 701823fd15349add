#include <object/event_pair.h>

#include <abi/errors.h>
#include <mm/slab.h>

static struct slab_cache event_pair_cache = SLAB_CACHE_INITIALIZER_BY_LINES(
    event_pair_cache, "event pair end", sizeof(struct event_pair_end));

static inline struct event_pair_end* end_from(struct object* object) {
    return CONTAINER_OF(object, struct event_pair_end, object);
}

/* Both pointers are cut and the signal is shown in one lock hold. So no thread sees an open pair
 * with a closed end. */
static void event_pair_on_zero_handles(struct object* object) {
    struct event_pair_end* end = end_from(object);
    spin_lock(object->lock);
    struct event_pair_end* peer = end->peer;
    if (peer) {
        end->peer = NULL;
        peer->peer = NULL;
        object_update_signals_locked(&peer->object, 0, ZX_OBJECT_PEER_CLOSED);
    }
    spin_unlock(object->lock);
}

static void event_pair_destroy(struct object* object) {
    struct event_pair_end* end = end_from(object);
    event_pair_on_zero_handles(object); /* not called before for an end that never had a handle */
    peer_lock_release(end->pair_lock);
    slab_free(&event_pair_cache, end);
}

static struct object* event_pair_peer_locked(struct object* object) {
    struct event_pair_end* peer = end_from(object)->peer;
    return peer ? &peer->object : NULL;
}

static const struct object_ops event_pair_ops = {
    .type = ZX_OBJ_TYPE_EVENTPAIR,
    .name = "event pair",
    .default_rights = EVENT_PAIR_DEFAULT_RIGHTS,
    .user_signals = ZX_USER_SIGNAL_ALL | ZX_OBJECT_SIGNALED,
    .on_zero_handles = event_pair_on_zero_handles,
    .destroy = event_pair_destroy,
    .peer_locked = event_pair_peer_locked,
    .related_koid = peer_lock_related_koid,
};

zx_status_t event_pair_create(struct event_pair_end** end0, struct event_pair_end** end1) {
    struct peer_lock* pair_lock = peer_lock_create(2);
    if (!pair_lock)
        return ZX_ERR_NO_MEMORY;
    struct event_pair_end* ends[2];
    ends[0] = slab_alloc(&event_pair_cache);
    if (!ends[0])
        goto free_lock;
    ends[1] = slab_alloc(&event_pair_cache);
    if (!ends[1])
        goto free_end0;
    for (int i = 0; i < 2; i++) {
        object_init(&ends[i]->object, &event_pair_ops, &pair_lock->lock, 0);
        ends[i]->pair_lock = pair_lock;
        ends[i]->peer = ends[1 - i];
    }
    peer_lock_set_ends(pair_lock, &ends[0]->object, &ends[1]->object);
    *end0 = ends[0];
    *end1 = ends[1];
    return ZX_OK;

free_end0:
    slab_free(&event_pair_cache, ends[0]);
free_lock:
    peer_lock_release(pair_lock);
    peer_lock_release(pair_lock);
    return ZX_ERR_NO_MEMORY;
}
