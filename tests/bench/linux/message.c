/* Messages, written and read by one thread. */
#include "../bench.h"
#include "ends.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BYTES_MAX 65536
#define HANDLES_MAX 64

static char sent[BYTES_MAX], received[BYTES_MAX];

static void measure_bytes(struct bench* bench, struct ends ends) {
    size_t size = bench->amount;
    memset(sent, 1, sizeof(sent));
    memset(received, 1, sizeof(received)); /* both are in memory from now on */
    MEASURE(bench) {
        TRY(bench, write(ends.in, sent, size) - (ssize_t)size);
        TRY(bench, read(ends.out, received, size) - (ssize_t)size);
    }
    ends_close(ends);
}

#define EXCHANGE(way)                                 \
    static void exchange_##way(struct bench* bench) { \
        measure_bytes(bench, ends_create_##way());    \
    }

EXCHANGE(seqpacket)
EXCHANGE(pipe)
EXCHANGE(stream)

BENCH_OF_SIZES(message, __seqpacket, exchange_seqpacket)
BENCH_OF_SIZES(message, __pipe, exchange_pipe)
BENCH_OF_SIZES(bytes, __stream, exchange_stream)
BENCH_OF_SIZES(bytes, __pipe, exchange_pipe)

BENCH(message_0__seqpacket, 500) {
    struct ends ends = ends_create_seqpacket();
    MEASURE(bench) {
        TRY(bench, send(ends.in, sent, 0, 0));
        TRY(bench, recv(ends.out, received, 0, 0));
    }
    ends_close(ends);
}

/* --- descriptors ----------------------------------------------------------------------------- */

union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(HANDLES_MAX * sizeof(int))];
};

/* Sends `count` descriptors with a byte, and takes their new numbers. The old ones are closed: in
 * Jacinth they move. */
static ssize_t pass(struct ends ends, int* descriptors, unsigned count, union control* control) {
    char byte = 0;
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    control->header.cmsg_level = SOL_SOCKET;
    control->header.cmsg_type = SCM_RIGHTS;
    control->header.cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(&control->header), descriptors, count * sizeof(int));
    if (sendmsg(ends.in, &message, 0) != 1)
        return 1;
    for (unsigned i = 0; i < count; i++)
        close(descriptors[i]);
    if (recvmsg(ends.out, &message, 0) != 1)
        return 1;
    memcpy(descriptors, CMSG_DATA(&control->header), count * sizeof(int));
    return 0;
}

static void exchange_descriptors(struct bench* bench) {
    unsigned count = bench->amount;
    struct ends ends = ends_create_seqpacket();
    int descriptors[HANDLES_MAX];
    union control control = {.room = {0}};
    for (unsigned i = 0; i < count; i++)
        MUST((descriptors[i] = eventfd(0, 0)) < 0);
    MEASURE(bench)
    TRY(bench, pass(ends, descriptors, count, &control));
    for (unsigned i = 0; i < count; i++)
        close(descriptors[i]);
    ends_close(ends);
}

BENCH_OF(message_1h__scm_rights, 500, exchange_descriptors, 1)
BENCH_OF(message_64h__scm_rights, 50, exchange_descriptors, HANDLES_MAX)
