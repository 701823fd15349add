/* Other processes for a measurement: this program, started again with a role and a channel. */
#pragma once

#include <zircon/types.h>

#define PROGRAM "bench/bench"
#define ROLE_PREFIX "role="

/* Returns the process; `handle` is consumed. */
zx_handle_t role_start(const char* role, zx_handle_t handle);
/* Waits until it has ended; the handle is consumed. */
void process_wait(zx_handle_t process);

/* In the new process: "echo" replies to each message until the peer is closed, "wait" only waits
 * for that, "yield" gives way until it is killed. */
int role_play(const char* role);
/* Replies to each message with one as long. */
void serve_echo(zx_handle_t channel);
/* For a zx_channel_call to it: the message is sent from `bytes`, and the reply is stored there. */
#define MESSAGE_SIZE 64
static inline zx_channel_call_args_t echo_arguments(char bytes[MESSAGE_SIZE]) {
    return (zx_channel_call_args_t){
        .wr_bytes = bytes,
        .wr_num_bytes = MESSAGE_SIZE,
        .rd_bytes = bytes,
        .rd_num_bytes = MESSAGE_SIZE,
    };
}
