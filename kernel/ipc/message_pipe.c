#include <ipc/message_pipe.h>

#include <ipc/message_cycle_suspects.h>
#include <ipc/message_end_life.h>

static const struct object_ops message_pipe_ops = {
    .type = ZX_OBJ_TYPE_MSGPIPE,
    .name = "message pipe",
    .default_rights = MESSAGE_PIPE_DEFAULT_RIGHTS,
    .user_signals = ZX_USER_SIGNAL_ALL,
    .on_zero_handles = message_end_on_zero_handles,
    .on_handle_released = message_cycle_note, /* perhaps all handles left are in its own queues */
    .destroy_some = message_end_destroy_some,
    .peer_locked = message_end_peer_locked,
    .related_koid = peer_lock_related_koid,
};

zx_status_t message_pipe_create(bool is_reply, struct message_end** end0,
                                struct message_end** end1) {
    zx_status_t status = message_ends_create(&message_pipe_ops, end0, end1);
    if (status == ZX_OK)
        (*end1)->is_reply = is_reply;
    return status;
}
