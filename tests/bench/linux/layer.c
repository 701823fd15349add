/* Linux's half of layer.h: the program is the first process, alone in a machine that QEMU made, and
 * talks to the same ports as Jacinth's kernel does. */
#include "../layer.h"
#include "../bench.h"
#include "../ticks.h"

#include <signal.h>
#include <sys/io.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_RESULTS 0xe9
#define PORT_EXIT 0xf4
#define ALL_PORTS 3
#define MESSAGE_SIZE 64

/* The counter stood at 0 when the machine was switched on. */
uint64_t layer_ticks_since_boot(void) {
    return ticks_now();
}

void layer_report(const char* record, size_t size) {
    for (size_t i = 0; i < size; i++)
        outb((unsigned char)record[i], PORT_RESULTS);
}

char layer_read_character(void) {
    char character;
    MUST(read(STDIN_FILENO, &character, 1) != 1);
    return character;
}

void layer_pair_create(struct layer_pair* pair) {
    int ends[2];
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
    *pair = (struct layer_pair){ends[0], ends[1]};
}

int64_t layer_pair_exchange(const struct layer_pair* pair) {
    char bytes[MESSAGE_SIZE] = {0};
    return write(pair->in, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes) ||
           read(pair->out, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes);
}

void layer_pair_close(const struct layer_pair* pair) {
    close(pair->in);
    close(pair->out);
}

_Noreturn void layer_exit(unsigned status) {
    for (;;)
        outl(status, PORT_EXIT);
}

int main(int argc, char** argv) {
    if (iopl(ALL_PORTS) != 0)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    bench_main(argc, argv);
}
