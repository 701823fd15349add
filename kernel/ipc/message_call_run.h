/* A whole call, as a system call makes it: the message is written, and the reply read. */
#pragma once

#include <ipc/message_call.h>
#include <lib/compiler.h>

/* Writes the message, waits for the reply and reads it. `is_written`: whether the message was
 * written, with the handles that go with it. Errors before that are those of message_end_write;
 * afterwards PEER_CLOSED, CANCELED, TIMED_OUT, or those of message_receive. */
MUST_CHECK zx_status_t message_call_run(const struct message_call_request* request,
                                        bool* is_written);
