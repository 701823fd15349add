/* Messages through a message pipe, written and read by one thread. */
#include "../bench.h"

#include <magenta/syscalls.h>
#include <string.h>
#include <zircon/syscalls.h>

static char sent[ZX_CHANNEL_MAX_MSG_BYTES], received[ZX_CHANNEL_MAX_MSG_BYTES];

static void exchange_bytes(struct bench* bench) {
    mx_handle_t ends[2];
    MUST(mx_msgpipe_create(ends, 0));
    memset(sent, 1, sizeof(sent));
    memset(received, 1, sizeof(received)); /* both are in memory from now on */
    MEASURE(bench) {
        uint32_t bytes = sizeof(received), handles = 0;
        TRY(bench, mx_msgpipe_write(ends[0], sent, bench->amount, NULL, 0, 0));
        TRY(bench, mx_msgpipe_read(ends[1], received, &bytes, NULL, &handles, 0));
    }
    mx_handle_close(ends[0]);
    mx_handle_close(ends[1]);
}

BENCH_OF(msgpipe_0, 500, exchange_bytes, 0)
BENCH_OF_SIZES(msgpipe, , exchange_bytes)

static void exchange_handles(struct bench* bench) {
    mx_handle_t ends[2], moved[ZX_CHANNEL_MAX_MSG_HANDLES];
    uint32_t count = bench->amount;
    MUST(mx_msgpipe_create(ends, 0));
    for (uint32_t i = 0; i < count; i++)
        MUST(mx_event_create(0, &moved[i]));
    MEASURE(bench) {
        uint32_t bytes = 0, handles = count;
        TRY(bench, mx_msgpipe_write(ends[0], NULL, 0, moved, count, 0));
        TRY(bench, mx_msgpipe_read(ends[1], NULL, &bytes, moved, &handles, 0));
    }
    mx_handle_close_many(moved, count);
    mx_handle_close(ends[0]);
    mx_handle_close(ends[1]);
}

BENCH_OF(msgpipe_1h, 500, exchange_handles, 1)
BENCH_OF(msgpipe_64h, 100, exchange_handles, 64)
