/* Bytes through a data pipe, written and read by one thread. */
#include "../bench.h"

#include <magenta/syscalls.h>
#include <string.h>

#define BYTES_MAX 65536u
#define RING_SIZE 32768u

static char sent[BYTES_MAX], received[BYTES_MAX];

static mx_handle_t create_for(struct bench* bench, mx_handle_t* consumer) {
    size_t capacity = bench->amount > RING_SIZE ? 2 * bench->amount : RING_SIZE;
    mx_handle_t producer = mx_datapipe_create(0, 1, capacity, consumer);
    MUST(producer <= 0);
    memset(sent, 1, sizeof(sent));
    memset(received, 1, sizeof(received)); /* both are in memory from now on */
    return producer;
}

static void exchange_copies(struct bench* bench) {
    mx_handle_t consumer, producer = create_for(bench, &consumer);
    mx_ssize_t size = bench->amount;
    MEASURE(bench) {
        TRY(bench, mx_datapipe_write(producer, 0, (size_t)size, sent) - size);
        TRY(bench, mx_datapipe_read(consumer, 0, (size_t)size, received) - size);
    }
    mx_handle_close(producer);
    mx_handle_close(consumer);
}

BENCH_OF_SIZES(datapipe, , exchange_copies)

/* What is done with the bytes in between is the program's own affair. */
static void exchange_in_place(struct bench* bench) {
    mx_handle_t consumer, producer = create_for(bench, &consumer);
    mx_ssize_t size = bench->amount;
    uintptr_t address;
    MEASURE(bench) {
        TRY(bench, mx_datapipe_begin_write(producer, 0, &address) < size);
        TRY(bench, mx_datapipe_end_write(producer, (size_t)size));
        TRY(bench, mx_datapipe_begin_read(consumer, 0, &address) < size);
        TRY(bench, mx_datapipe_end_read(consumer, (size_t)size));
    }
    mx_handle_close(producer);
    mx_handle_close(consumer);
}

BENCH_OF_SIZES(datapipe_2phase, , exchange_in_place)
