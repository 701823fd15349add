#include <object/channel.h>

#include <mm/slab.h>

static struct slab_cache channel_cache =
    SLAB_CACHE_INITIALIZER(channel_cache, "channel end", sizeof(struct message_end));

static void channel_destroy(struct object* object) {
    struct message_end* end = message_end_from(object);
    message_end_destroy(end);
    slab_free(&channel_cache, end);
}

static const struct object_ops channel_ops = {
    .type = ZX_OBJ_TYPE_CHANNEL,
    .name = "channel",
    .default_rights = CHANNEL_DEFAULT_RIGHTS,
    .user_signals = ZX_USER_SIGNAL_ALL,
    .on_zero_handles = message_end_on_zero_handles,
    .destroy = channel_destroy,
    .peer_locked = message_end_peer_locked,
};

zx_status_t channel_create(struct message_end** end0, struct message_end** end1) {
    struct peer_lock* pair_lock = peer_lock_create(2);
    if (!pair_lock)
        return ZX_ERR_NO_MEMORY;
    *end0 = slab_alloc(&channel_cache);
    if (!*end0)
        goto free_lock;
    *end1 = slab_alloc(&channel_cache);
    if (!*end1)
        goto free_end0;
    message_ends_init(*end0, *end1, pair_lock, &channel_ops);
    return ZX_OK;

free_end0:
    slab_free(&channel_cache, *end0);
free_lock:
    peer_lock_release(pair_lock);
    peer_lock_release(pair_lock);
    return ZX_ERR_NO_MEMORY;
}
