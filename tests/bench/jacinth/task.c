/* Threads and processes from beginning to end; memory. */
#include "../bench.h"
#include "process.h"

#include <jacinth/launch.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define PAGE_SIZE 4096u
#define VMAR_SIZE (1ul << 30)
#define VMAR_MAPPINGS 8
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

/* A VMAR with as many mappings in use as a small program has. Mappings lie at random places, in a
 * random tree, so each VMAR has its own cost. */
static zx_handle_t vmar_create_in_use(zx_handle_t vmo) {
    zx_handle_t vmar;
    zx_vaddr_t address;
    MUST(zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE, 0,
                          VMAR_SIZE, &vmar, &address));
    for (unsigned i = 0; i < VMAR_MAPPINGS; i++) {
        MUST(zx_vmar_map(vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, PAGE_SIZE, &address));
        *(volatile char*)address = 1;
    }
    return vmar;
}

BENCH_BY_CHANCE(map_unmap, 200) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    MUST(zx_vmo_create(PAGE_SIZE, 0, &vmo));
    while (bench_has_round(bench)) {
        zx_handle_t vmar = vmar_create_in_use(vmo);
        for (unsigned left = bench_start(bench); left > 0 || bench_stop(bench); left--) {
            TRY(bench, zx_vmar_map(vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, PAGE_SIZE,
                                   &address));
            TRY(bench, zx_vmar_unmap(vmar, address, PAGE_SIZE));
        }
        MUST(zx_vmar_destroy(vmar));
        zx_handle_close(vmar);
    }
    zx_handle_close(vmo);
}
