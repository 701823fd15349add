/* Bytes through a socket, written and read by one thread. */
#include "../bench.h"

#include <magenta/syscalls.h>
#include <string.h>

static char sent[65536], received[65536];

static void measure_copies(struct bench* bench, uint32_t options, size_t size) {
    mx_handle_t near, far;
    size_t actual;
    MUST(mx_socket_create(options, &near, &far));
    memset(sent, 1, sizeof(sent));
    memset(received, 1, sizeof(received)); /* both are in memory from now on */
    MEASURE(bench) {
        TRY(bench, mx_socket_write(near, 0, sent, size, NULL));
        TRY(bench, mx_socket_read(far, 0, received, size, &actual));
    }
    mx_handle_close(near);
    mx_handle_close(far);
}

BENCH(socket_64, 500) {
    measure_copies(bench, MX_SOCKET_STREAM, 64);
}

BENCH(socket_4k, 250) {
    measure_copies(bench, MX_SOCKET_STREAM, 4096);
}

BENCH(socket_64k, 100) {
    measure_copies(bench, MX_SOCKET_STREAM, 65536);
}

BENCH(datagram_64, 500) {
    measure_copies(bench, MX_SOCKET_DATAGRAM, 64);
}
