/* The cheapest call, descriptors, signals. */
#include "../bench.h"

#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
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
static void poll_many(struct bench* bench) {
    unsigned count = bench->amount;
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

BENCH_OF(wait_many_1__poll, 250, poll_many, 1)
BENCH_OF(wait_many_8__poll, 250, poll_many, 8)
BENCH_OF(wait_many_64__poll, 250, poll_many, 64)
