#include <ipc/channel.h>

#include <ipc/message_cycle_suspects.h>
#include <ipc/message_end_life.h>

static const struct object_ops channel_ops = {
    .type = ZX_OBJ_TYPE_CHANNEL,
    .name = "channel",
    .default_rights = CHANNEL_DEFAULT_RIGHTS,
    .user_signals = ZX_USER_SIGNAL_ALL,
    .on_zero_handles = message_end_on_zero_handles,
    .on_handle_released = message_cycle_note, /* perhaps all handles left are in its own queues */
    .destroy_some = message_end_destroy_some,
    .peer_locked = message_end_peer_locked,
    .related_koid = peer_lock_related_koid,
};

zx_status_t channel_create(struct message_end** end0, struct message_end** end1) {
    return message_ends_create(&channel_ops, end0, end1);
}
