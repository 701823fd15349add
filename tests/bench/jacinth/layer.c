/* Jacinth's half of layer.h, and the program's main: the benchmark itself, or the other process
 * that some operations need. */
#include "../layer.h"
#include "../bench.h"
#include "process.h"

#include <jacinth/bootstrap.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

/* The system's clock begins with the kernel's first instruction, and counts ticks. */
uint64_t layer_ticks_since_boot(void) {
    uint64_t nanoseconds = (uint64_t)zx_clock_get_monotonic();
    return nanoseconds * ((uint64_t)zx_ticks_per_second() / 1000) / 1000000;
}

void layer_report(const char* record, size_t size) {
    zx_system_report(bootstrap_borrow(BOOTSTRAP_RESOURCE), record, size);
    zx_debug_write(record, size);
}

char layer_read_character(void) {
    char character;
    size_t actual;
    MUST(zx_debug_read(bootstrap_borrow(BOOTSTRAP_RESOURCE), &character, 1, ZX_TIME_INFINITE,
                       &actual));
    return character;
}

void layer_pair_create(struct layer_pair* pair) {
    MUST(zx_channel_create(0, &pair->in, &pair->out));
}

int64_t layer_pair_exchange(const struct layer_pair* pair) {
    char bytes[MESSAGE_SIZE] = {0};
    uint32_t size, handles;
    zx_status_t status = zx_channel_write(pair->in, 0, bytes, sizeof(bytes), NULL, 0);
    return status | zx_channel_read(pair->out, 0, bytes, NULL, sizeof(bytes), 0, &size, &handles);
}

void layer_pair_close(const struct layer_pair* pair) {
    zx_handle_close(pair->in);
    zx_handle_close(pair->out);
}

_Noreturn void layer_exit(unsigned status) {
    zx_system_exit(bootstrap_borrow(BOOTSTRAP_RESOURCE), status);
    zx_process_exit(status);
}

int main(int argc, char** argv) {
    if (argc > 1 && strncmp(argv[1], ROLE_PREFIX, strlen(ROLE_PREFIX)) == 0)
        return role_play(argv[1] + strlen(ROLE_PREFIX));
    bench_main(argc, argv);
}
