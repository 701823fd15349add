/* Messages through a message pipe, written and read by one thread. */
#include "../bench.h"

#include <magenta/syscalls.h>

BENCH(msgpipe_64, 500) {
    static char sent[64], received[64];
    mx_handle_t ends[2];
    MUST(mx_msgpipe_create(ends, 0));
    MEASURE(bench) {
        uint32_t bytes = sizeof(received), handles = 0;
        TRY(bench, mx_msgpipe_write(ends[0], sent, sizeof(sent), NULL, 0, 0));
        TRY(bench, mx_msgpipe_read(ends[1], received, &bytes, NULL, &handles, 0));
    }
    mx_handle_close(ends[0]);
    mx_handle_close(ends[1]);
}
