/* Threads and processes from beginning to end; memory. */
#include "../bench.h"
#include "process.h"

#include <jacinth/launch.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define PAGE_SIZE 4096u
#define TINY_PROGRAM "bench/tiny"

static int return_at_once(void* unused) {
    (void)unused;
    return 0;
}

BENCH(thread_cycle, 100) {
    thrd_t thread;
    MEASURE(bench) {
        TRY(bench, thrd_create(&thread, return_at_once, NULL));
        TRY(bench, thrd_join(thread, NULL));
    }
}

BENCH(process_cycle, 20) {
    const char* arguments[] = {TINY_PROGRAM};
    struct launch_request request = {
        .path = TINY_PROGRAM, .arguments = arguments, .argument_count = countof(arguments)};
    zx_handle_t process;
    MEASURE(bench) {
        TRY(bench, launch(&request, &process));
        TRY(bench, zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL));
        TRY(bench, zx_handle_close(process));
    }
}

BENCH(page_fault, 256) {
    while (bench_has_round(bench)) {
        size_t size = bench->count * PAGE_SIZE;
        zx_handle_t vmo;
        zx_vaddr_t address;
        MUST(zx_vmo_create(size, 0, &vmo));
        MUST(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, size,
                         &address));
        volatile char* page = (volatile char*)address;
        for (unsigned left = bench_start(bench); left > 0 || bench_stop(bench); left--) {
            *page = 1;
            page += PAGE_SIZE;
        }
        MUST(zx_vmar_unmap(zx_vmar_root_self(), address, size));
        zx_handle_close(vmo);
    }
}

BENCH(map_unmap, 1000) {
    zx_handle_t vmo, root = zx_vmar_root_self();
    zx_vaddr_t address;
    MUST(zx_vmo_create(PAGE_SIZE, 0, &vmo));
    MEASURE(bench) {
        TRY(bench,
            zx_vmar_map(root, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, PAGE_SIZE, &address));
        TRY(bench, zx_vmar_unmap(root, address, PAGE_SIZE));
    }
    zx_handle_close(vmo);
}
