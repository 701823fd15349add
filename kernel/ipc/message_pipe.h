/* Message pipes: what Magenta 2016 had in place of channels. Both ends are message ends, as those
 * of channels (ipc/message_end.h). The second end may be a reply pipe: each message written to it
 * must carry its own handle. So the reader gets the handle with the message, and replies through
 * it. */
#pragma once

#include <ipc/message_end.h>

#define MESSAGE_PIPE_DEFAULT_RIGHTS \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

/* Two connected ends, one reference each; `is_reply`: end1 is a reply pipe. NO_MEMORY. */
MUST_CHECK zx_status_t message_pipe_create(bool is_reply, struct message_end** end0,
                                           struct message_end** end1);
