#include <object/channel.h>

#include <mm/slab.h>

static struct slab_cache channel_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(channel_cache, "channel end", sizeof(struct message_end));

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
    .related_koid = peer_lock_related_koid,
};

zx_status_t channel_create(struct message_end** end0, struct message_end** end1) {
    return message_ends_create(&channel_cache, &channel_ops, end0, end1);
}
