/* Messages through a channel, written and read by one thread. */
#include "../bench.h"

#include <string.h>
#include <zircon/syscalls.h>

static char sent[ZX_CHANNEL_MAX_MSG_BYTES], received[ZX_CHANNEL_MAX_MSG_BYTES];

static void exchange_bytes(struct bench* bench) {
    zx_handle_t ends[2];
    uint32_t actual_bytes, actual_handles, size = bench->amount;
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

BENCH_OF(channel_0, 500, exchange_bytes, 0)
BENCH_OF_SIZES(channel, , exchange_bytes)

static void exchange_handles(struct bench* bench) {
    zx_handle_t ends[2], handles[ZX_CHANNEL_MAX_MSG_HANDLES];
    uint32_t actual_bytes, actual_handles, count = bench->amount;
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

BENCH_OF(channel_1h, 500, exchange_handles, 1)
BENCH_OF(channel_64h, 100, exchange_handles, 64)
