#include <ipc/message_end_queue.h>

void message_end_note_room_locked(struct message_end* end) {
    end->queue.is_full = !message_queue_has_room(&end->queue);
    if (end->peer && !end->queue.is_full)
        object_update_signals_locked(&end->peer->object, 0, ZX_OBJECT_WRITABLE);
}

struct message* message_end_take_first_locked(struct message_end* end) {
    struct message* message = end->queue.first;
    message_end_pop_locked(end, message, message_queued_size(message),
                           message_handle_count(message));
    return message;
}
