/* Jacinth's half of layer.h, and the program's main: the benchmark itself, or the other process
 * that some operations need. */
#include "../layer.h"
#include "../bench.h"
#include "process.h"

#include <jacinth/bootstrap.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

uint64_t layer_nanoseconds(void) {
    return (uint64_t)zx_clock_get_monotonic();
}

/* The system's clock begins with the kernel's first instruction. */
uint64_t layer_boot_nanoseconds(void) {
    return (uint64_t)zx_clock_get_monotonic();
}

void layer_report(const char* record, size_t size) {
    zx_system_report(bootstrap_borrow(BOOTSTRAP_RESOURCE), record, size);
    zx_debug_write(record, size);
}

void layer_wait_for_host(void) {
    char character;
    size_t actual;
    MUST(zx_debug_read(bootstrap_borrow(BOOTSTRAP_RESOURCE), &character, 1, ZX_TIME_INFINITE,
                       &actual));
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
