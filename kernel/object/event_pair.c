#include <object/event_pair.h>

#include <object/object_pair.h>

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
    event_pair_on_zero_handles(object); /* not called before for an end that never had a handle */
    object_pair_free(&event_pair_cache, object);
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
    struct object* ends[2];
    zx_status_t status = object_pair_create(&event_pair_cache, &event_pair_ops, 0, ends);
    if (status != ZX_OK)
        return status;
    *end0 = end_from(ends[0]);
    *end1 = end_from(ends[1]);
    (*end0)->peer = *end1;
    (*end1)->peer = *end0;
    return ZX_OK;
}
