/* Messages through a channel, written and read by one thread. */
#include "../bench.h"

#include <string.h>
#include <zircon/syscalls.h>

static char sent[ZX_CHANNEL_MAX_MSG_BYTES], received[ZX_CHANNEL_MAX_MSG_BYTES];

static void measure_bytes(struct bench* bench, uint32_t size) {
    zx_handle_t ends[2];
    uint32_t actual_bytes, actual_handles;
    MUST(zx_channel_create(0, &ends[0], &ends[1]));
    memset(sent, 1, sizeof(sent));
    memset(received, 1, sizeof(received)); /* both are in memory from now on */
    MEASURE(bench) {
        TRY(bench, zx_channel_write(ends[0], 0, sent, size, NULL, 0));
        TRY(bench,
            zx_channel_read(ends[1], 0, received, NULL, size, 0, &actual_bytes, &actual_handles));
    }
    zx_handle_close(ends[0]);
    zx_handle_close(ends[1]);
}

BENCH(channel_0, 500) {
    measure_bytes(bench, 0);
}

BENCH(channel_64, 500) {
    measure_bytes(bench, 64);
}

BENCH(channel_1k, 500) {
    measure_bytes(bench, 1024);
}

BENCH(channel_4k, 250) {
    measure_bytes(bench, 4096);
}

BENCH(channel_64k, 100) {
    measure_bytes(bench, 65536);
}

static void measure_handles(struct bench* bench, uint32_t count) {
    zx_handle_t ends[2], handles[ZX_CHANNEL_MAX_MSG_HANDLES];
    uint32_t actual_bytes, actual_handles;
    MUST(zx_channel_create(0, &ends[0], &ends[1]));
    for (uint32_t i = 0; i < count; i++)
        MUST(zx_event_create(0, &handles[i]));
    MEASURE(bench) {
        TRY(bench, zx_channel_write(ends[0], 0, NULL, 0, handles, count));
        TRY(bench,
            zx_channel_read(ends[1], 0, NULL, handles, 0, count, &actual_bytes, &actual_handles));
    }
    zx_handle_close_many(handles, count);
    zx_handle_close(ends[0]);
    zx_handle_close(ends[1]);
}

BENCH(channel_1h, 500) {
    measure_handles(bench, 1);
}

BENCH(channel_64h, 100) {
    measure_handles(bench, ZX_CHANNEL_MAX_MSG_HANDLES);
}
