/* Creating, closing and destroying the ends of channels and message pipes. */
#pragma once

#include <ipc/message_end_state.h>
#include <lib/compiler.h>

/* Two connected ends, one reference each. NO_MEMORY. */
MUST_CHECK zx_status_t message_ends_create(const struct object_ops* ops, struct message_end** end0,
                                           struct message_end** end1);
/* For the type's ops. */
void message_end_on_zero_handles(struct object* object);
bool message_end_destroy_some(struct object* object, int64_t* units);
struct object* message_end_peer_locked(struct object* object);

/* Drops a pin (message_end_pin). The last one frees the end's memory. */
void message_end_unpin(struct message_end* end);

static inline bool is_message_end(const struct object* object) {
    return object->ops->peer_locked == message_end_peer_locked;
}
