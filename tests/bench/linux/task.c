/* Threads and processes from beginning to end; memory. */
#include "../bench.h"

#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_SIZE 4096u
#define TINY_PROGRAM "/tiny"

static void* return_at_once(void* unused) {
    return unused;
}

BENCH(thread_cycle__pthread, 100) {
    pthread_t thread;
    MEASURE(bench) {
        TRY(bench, pthread_create(&thread, NULL, return_at_once, NULL));
        TRY(bench, pthread_join(thread, NULL));
    }
}

BENCH(process_cycle__posix_spawn, 20) {
    char* arguments[] = {TINY_PROGRAM, NULL};
    char* environment[] = {NULL};
    pid_t process;
    MEASURE(bench) {
        TRY(bench, posix_spawn(&process, TINY_PROGRAM, NULL, NULL, arguments, environment));
        TRY(bench, waitpid(process, NULL, 0) != process);
    }
}

static volatile char* map(size_t size) {
    void* address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(address == MAP_FAILED);
    return address;
}

BENCH(page_fault__mmap, 256) {
    while (bench_has_round(bench)) {
        size_t size = bench->count * PAGE_SIZE;
        volatile char* start = map(size);
        volatile char* page = start;
        madvise((void*)start, size, MADV_NOHUGEPAGE);
        for (unsigned left = bench_start(bench); left > 0 || bench_stop(bench); left--) {
            *page = 1;
            page += PAGE_SIZE;
        }
        MUST(munmap((void*)start, size));
    }
}

BENCH(map_unmap__mmap, 100) {
    MEASURE(bench)
    TRY(bench, munmap((void*)map(PAGE_SIZE), PAGE_SIZE));
}
