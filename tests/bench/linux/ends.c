#include "ends.h"
#include "../bench.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct ends ends_create_pipe(void) {
    int ends[2];
    MUST(pipe(ends));
    return (struct ends){ends[1], ends[0]};
}

static struct ends create_pair(int type) {
    int ends[2];
    MUST(socketpair(AF_UNIX, type, 0, ends));
    return (struct ends){ends[0], ends[1]};
}

struct ends ends_create_seqpacket(void) {
    return create_pair(SOCK_SEQPACKET);
}

struct ends ends_create_stream(void) {
    return create_pair(SOCK_STREAM);
}

struct ends ends_create_eventfd(void) {
    int event = eventfd(0, 0);
    MUST(event < 0);
    return (struct ends){event, dup(event)};
}

void ends_close(struct ends ends) {
    close(ends.in);
    close(ends.out);
}
