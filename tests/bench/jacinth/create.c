/* Objects that are made and, with their only handles, closed at once. */
#include "../bench.h"

#include <magenta/syscalls.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define SIZE 4096u

#define CREATE_CLOSE(name, create)             \
    BENCH(name##_create_close, 500) {          \
        zx_handle_t made;                      \
        MEASURE(bench) {                       \
            TRY(bench, create);                \
            TRY(bench, zx_handle_close(made)); \
        }                                      \
    }
#define CREATE_CLOSE_PAIR(name, create)           \
    BENCH(name##_create_close, 500) {             \
        zx_handle_t made[2];                      \
        MEASURE(bench) {                          \
            TRY(bench, create);                   \
            TRY(bench, zx_handle_close(made[0])); \
            TRY(bench, zx_handle_close(made[1])); \
        }                                         \
    }

CREATE_CLOSE(event, zx_event_create(0, &made))
CREATE_CLOSE(vmo, zx_vmo_create(SIZE, 0, &made))
CREATE_CLOSE(job, zx_job_create(zx_job_default(), 0, &made))
CREATE_CLOSE(thread, zx_thread_create(zx_process_self(), "new", 3, 0, &made))
CREATE_CLOSE_PAIR(eventpair, zx_eventpair_create(0, &made[0], &made[1]))
CREATE_CLOSE_PAIR(channel, zx_channel_create(0, &made[0], &made[1]))
CREATE_CLOSE_PAIR(msgpipe, mx_msgpipe_create(made, 0))
CREATE_CLOSE_PAIR(socket, mx_socket_create(MX_SOCKET_STREAM, &made[0], &made[1]))
CREATE_CLOSE_PAIR(datapipe, (made[0] = mx_datapipe_create(0, 1, SIZE, &made[1])) < 0)
/* It is never started; the other handle is that of its address space. */
CREATE_CLOSE_PAIR(process, zx_process_create(zx_job_default(), "new", 3, 0, &made[0], &made[1]))

/* A part of the address space stays reserved until it is destroyed. */
BENCH(vmar_create_close, 500) {
    zx_handle_t made;
    zx_vaddr_t address;
    MEASURE(bench) {
        TRY(bench, zx_vmar_allocate(zx_vmar_root_self(), 0, 0, SIZE, &made, &address));
        TRY(bench, zx_vmar_destroy(made));
        TRY(bench, zx_handle_close(made));
    }
}
