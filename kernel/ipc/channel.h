/* Channels: two ends, each with a queue of messages. ipc/message_end.h has the rules for both. */
#pragma once

#include <ipc/message_end.h>

#define CHANNEL_DEFAULT_RIGHTS \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

/* Two connected ends, one reference each. NO_MEMORY. */
MUST_CHECK zx_status_t channel_create(struct message_end** end0, struct message_end** end1);
