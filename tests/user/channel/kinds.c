#include "kinds.h"

#include <magenta/syscalls.h>
#include <magenta/syscalls/msgpipe.h>

static zx_status_t create_channel(zx_handle_t ends[2]) {
    return zx_channel_create(0, &ends[0], &ends[1]);
}

static zx_status_t zx_write(zx_handle_t end, const void* bytes, uint32_t size,
                            const zx_handle_t* handles, uint32_t count) {
    return zx_channel_write(end, 0, bytes, size, handles, count);
}

static zx_status_t mx_write(zx_handle_t end, const void* bytes, uint32_t size,
                            const zx_handle_t* handles, uint32_t count) {
    return mx_channel_write(end, 0, bytes, size, handles, count);
}

static zx_status_t read_channel(zx_handle_t end, void* bytes, uint32_t* size, zx_handle_t* handles,
                                uint32_t* count) {
    return zx_channel_read(end, 0, bytes, handles, *size, *count, size, count);
}

static zx_status_t create_pipe(zx_handle_t ends[2]) {
    return mx_msgpipe_create(ends, 0);
}

static zx_status_t write_pipe(zx_handle_t end, const void* bytes, uint32_t size,
                              const zx_handle_t* handles, uint32_t count) {
    return mx_msgpipe_write(end, bytes, size, handles, count, 0);
}

static zx_status_t read_pipe(zx_handle_t end, void* bytes, uint32_t* size, zx_handle_t* handles,
                             uint32_t* count) {
    return mx_msgpipe_read(end, bytes, size, handles, count, 0);
}

const struct kind zx_channel = {create_channel, zx_write, read_channel};
const struct kind mx_channel = {create_channel, mx_write, read_channel};
const struct kind message_pipe = {create_pipe, write_pipe, read_pipe};
