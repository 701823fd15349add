/* Bytes through a socket, written and read by one thread. */
#include "../bench.h"

#include <magenta/syscalls.h>
#include <string.h>

static char sent[65536], received[65536];

static void measure_copies(struct bench* bench, uint32_t options) {
    mx_handle_t near, far;
    size_t actual = 0, size = bench->amount;
    MUST(mx_socket_create(options, &near, &far));
    memset(sent, 1, sizeof(sent));
    memset(received, 1, sizeof(received)); /* both are in memory from now on */
    MEASURE(bench) {
        TRY(bench, mx_socket_write(near, 0, sent, size, NULL));
        TRY(bench, mx_socket_read(far, 0, received, size, &actual));
    }
    MUST(actual != size);
    mx_handle_close(near);
    mx_handle_close(far);
}

static void exchange_stream(struct bench* bench) {
    measure_copies(bench, MX_SOCKET_STREAM);
}

BENCH_OF_SIZES(socket, , exchange_stream)

static void exchange_datagram(struct bench* bench) {
    measure_copies(bench, MX_SOCKET_DATAGRAM);
}

BENCH_OF(datagram_64, 500, exchange_datagram, 64)
