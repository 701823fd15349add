/* Bytes through sockets and data pipes, written and read by one thread. */
#include "../bench.h"

#include <magenta/syscalls.h>
#include <string.h>
#include <zircon/syscalls.h>

#define BYTES_MAX 4096u
#define RING_SIZE 32768u

static char sent[BYTES_MAX], received[BYTES_MAX];

/* Both are in memory from then on. */
static void fill_buffers(void) {
    memset(sent, 1, sizeof(sent));
    memset(received, 1, sizeof(received));
}

static void measure_socket(struct bench* bench, size_t size) {
    mx_handle_t ends[2];
    size_t actual = 0;
    fill_buffers();
    MUST(mx_socket_create(0, &ends[0], &ends[1]));
    MEASURE(bench) {
        TRY(bench, mx_socket_write(ends[0], 0, sent, size, &actual));
        TRY(bench, mx_socket_read(ends[1], 0, received, size, &actual));
    }
    MUST(actual != size);
    mx_handle_close(ends[0]);
    mx_handle_close(ends[1]);
}

BENCH(socket_64, 500) {
    measure_socket(bench, 64);
}

BENCH(socket_4k, 250) {
    measure_socket(bench, 4096);
}

static mx_handle_t create_datapipe(mx_handle_t* consumer) {
    mx_handle_t producer = mx_datapipe_create(0, 1, RING_SIZE, consumer);
    MUST(producer <= 0);
    fill_buffers();
    return producer;
}

static void measure_datapipe(struct bench* bench, size_t size) {
    mx_handle_t consumer, producer = create_datapipe(&consumer);
    MEASURE(bench) {
        TRY(bench, mx_datapipe_write(producer, 0, size, sent) - (mx_ssize_t)size);
        TRY(bench, mx_datapipe_read(consumer, 0, size, received) - (mx_ssize_t)size);
    }
    mx_handle_close(producer);
    mx_handle_close(consumer);
}

BENCH(datapipe_64, 500) {
    measure_datapipe(bench, 64);
}

BENCH(datapipe_4k, 250) {
    measure_datapipe(bench, 4096);
}

/* What is done with the bytes in between is the program's own affair. */
BENCH(datapipe_2phase_4k, 250) {
    mx_handle_t consumer, producer = create_datapipe(&consumer);
    uintptr_t address;
    MEASURE(bench) {
        TRY(bench, mx_datapipe_begin_write(producer, 0, &address) < 4096);
        TRY(bench, mx_datapipe_end_write(producer, 4096));
        TRY(bench, mx_datapipe_begin_read(consumer, 0, &address) < 4096);
        TRY(bench, mx_datapipe_end_read(consumer, 4096));
    }
    mx_handle_close(producer);
    mx_handle_close(consumer);
}
