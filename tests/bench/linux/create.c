/* Objects that are made and closed at once. */
#include "../bench.h"
#include "ends.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 4096u

BENCH(event_create_close__eventfd, 500) {
    MEASURE(bench)
    TRY(bench, close(eventfd(0, 0)));
}

#define CREATE_CLOSE_ENDS(way)             \
    BENCH(ends_create_close__##way, 500) { \
        MEASURE(bench)                     \
        ends_close(ends_create_##way());   \
    }

CREATE_CLOSE_ENDS(pipe)
CREATE_CLOSE_ENDS(seqpacket)
CREATE_CLOSE_ENDS(stream)

BENCH(vmo_create_close__memfd, 500) {
    MEASURE(bench) {
        int file = memfd_create("new", 0);
        TRY(bench, ftruncate(file, SIZE));
        TRY(bench, close(file));
    }
}

/* A range of addresses that nothing else gets. */
BENCH(vmar_create_close__mmap_none, 500) {
    MEASURE(bench) {
        void* start =
            mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        TRY(bench, munmap(start, SIZE));
    }
}
