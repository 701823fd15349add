#include "process.h"
#include "../bench.h"

#include <jacinth/launch.h>
#include <stdio.h>
#include <string.h>
#include <zircon/syscalls.h>

#define CHANNEL_INFO BOOTSTRAP_INFO(BOOTSTRAP_USER, 3)

zx_handle_t role_start(const char* role, zx_handle_t handle) {
    char word[32];
    snprintf(word, sizeof(word), ROLE_PREFIX "%s", role);
    const char* arguments[] = {PROGRAM, word};
    struct launch_handle given = {CHANNEL_INFO, handle};
    struct launch_request request = {.path = PROGRAM,
                                     .arguments = arguments,
                                     .argument_count = countof(arguments),
                                     .handles = &given,
                                     .handle_count = 1};
    zx_handle_t process;
    MUST(launch(&request, &process));
    return process;
}

void process_wait(zx_handle_t process) {
    MUST(zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL));
    MUST(zx_handle_close(process));
}

void serve_echo(zx_handle_t channel) {
    char bytes[MESSAGE_SIZE];
    uint32_t size, handles;
    while (zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED,
                              ZX_TIME_INFINITE, NULL) == ZX_OK &&
           zx_channel_read(channel, 0, bytes, NULL, sizeof(bytes), 0, &size, &handles) == ZX_OK)
        zx_channel_write(channel, 0, bytes, size, NULL, 0);
}

int role_play(const char* role) {
    zx_handle_t channel = bootstrap_take(CHANNEL_INFO);
    if (strcmp(role, "echo") == 0)
        serve_echo(channel);
    else if (strcmp(role, "yield") == 0)
        for (;;)
            zx_thread_yield();
    else
        zx_object_wait_one(channel, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL);
    return 0;
}
