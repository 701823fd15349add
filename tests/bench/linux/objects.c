/* The cheapest call, descriptors, signals. */
#include "../bench.h"

#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAITED_FOR_MAX 64
#define UNKNOWN_CALL 2000

BENCH(null_call__getppid, 1000) {
    MEASURE(bench)
    TRY(bench, syscall(SYS_getppid));
}

BENCH(null_call__unknown_number, 1000) {
    MEASURE(bench)
    TRY(bench, syscall(UNKNOWN_CALL) + 1);
}

BENCH(handle_dup_close__dup, 1000) {
    int event = eventfd(0, 0);
    MUST(event < 0);
    MEASURE(bench)
    TRY(bench, close(dup(event)));
    close(event);
}

BENCH(signal_wait__eventfd, 1000) {
    int event = eventfd(0, 0);
    uint64_t one = 1, value;
    MUST(event < 0);
    MEASURE(bench) {
        TRY(bench, write(event, &one, sizeof(one)) - (ssize_t)sizeof(one));
        TRY(bench, read(event, &value, sizeof(value)) - (ssize_t)sizeof(value));
    }
    close(event);
}

/* One of them is ready, in the middle. */
static void measure_poll(struct bench* bench, unsigned count) {
    struct pollfd items[WAITED_FOR_MAX];
    for (unsigned i = 0; i < count; i++) {
        items[i] = (struct pollfd){.fd = eventfd(i == count * 5 / 8, 0), .events = POLLIN};
        MUST(items[i].fd < 0);
    }
    MEASURE(bench)
    TRY(bench, poll(items, count, -1) - 1);
    for (unsigned i = 0; i < count; i++)
        close(items[i].fd);
}

BENCH(wait_many_1__poll, 250) {
    measure_poll(bench, 1);
}

BENCH(wait_many_8__poll, 250) {
    measure_poll(bench, 8);
}

BENCH(wait_many_64__poll, 250) {
    measure_poll(bench, 64);
}

BENCH(event_create_close__eventfd, 500) {
    MEASURE(bench)
    TRY(bench, close(eventfd(0, 0)));
}

BENCH(channel_create_close__seqpacket, 500) {
    int ends[2];
    MEASURE(bench) {
        TRY(bench, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
        TRY(bench, close(ends[0]));
        TRY(bench, close(ends[1]));
    }
}

BENCH(channel_create_close__pipe, 500) {
    int ends[2];
    MEASURE(bench) {
        TRY(bench, pipe(ends));
        TRY(bench, close(ends[0]));
        TRY(bench, close(ends[1]));
    }
}
