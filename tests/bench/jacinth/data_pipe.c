/* Bytes through a data pipe, written and read by one thread. */
#include "../bench.h"

#include <magenta/syscalls.h>
#include <string.h>

#define TWO_PHASE_SIZE 4096

static char sent[65536], received[65536];

static mx_handle_t producer, consumer;

static void create(size_t capacity) {
    producer = mx_datapipe_create(0, 1, capacity, &consumer);
    MUST(producer > 0 ? NO_ERROR : producer);
}

static void destroy(void) {
    mx_handle_close(producer);
    mx_handle_close(consumer);
}

static void measure_copies(struct bench* bench, size_t size) {
    create(0);
    memset(sent, 1, sizeof(sent));
    memset(received, 1, sizeof(received)); /* both are in memory from now on */
    MEASURE(bench) {
        TRY(bench, mx_datapipe_write(producer, 0, size, sent) - (mx_ssize_t)size);
        TRY(bench, mx_datapipe_read(consumer, 0, size, received) - (mx_ssize_t)size);
    }
    destroy();
}

BENCH(datapipe_64, 512) {
    measure_copies(bench, 64);
}

BENCH(datapipe_4k, 256) {
    measure_copies(bench, 4096);
}

/* Every page of the ring is mapped by the end of the first round. */
BENCH(datapipe_2phase_4k, 512) {
    uintptr_t address;
    create(0);
    MEASURE(bench) {
        TRY(bench, mx_datapipe_begin_write(producer, 0, &address) < TWO_PHASE_SIZE);
        *(volatile char*)address = 1;
        TRY(bench, mx_datapipe_end_write(producer, TWO_PHASE_SIZE));
        TRY(bench, mx_datapipe_begin_read(consumer, 0, &address) < TWO_PHASE_SIZE);
        (void)*(volatile char*)address;
        TRY(bench, mx_datapipe_end_read(consumer, TWO_PHASE_SIZE));
    }
    destroy();
}
