/* What must cost the same however much there is of something else. */
#include "../bench.h"
#include "process.h"

#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

/* With none the reader's end changes signals. One more message is written meanwhile; at the
 * bound itself the writer's end does. */
#define QUEUED_MAX 3498

/* --- messages that wait in the queue --------------------------------------------------------- */

GROWTH(channel_64_by_queued_messages, 500, 1, 10, 100, 1000, QUEUED_MAX) {
    zx_handle_t ends[2];
    char bytes[MESSAGE_SIZE] = {0};
    uint32_t size, handles;
    MUST(zx_channel_create(0, &ends[0], &ends[1]));
    for (unsigned i = 0; i < bench->amount; i++)
        MUST(zx_channel_write(ends[0], 0, bytes, sizeof(bytes), NULL, 0));
    MEASURE(bench) {
        TRY(bench, zx_channel_write(ends[0], 0, bytes, sizeof(bytes), NULL, 0));
        TRY(bench, zx_channel_read(ends[1], 0, bytes, NULL, sizeof(bytes), 0, &size, &handles));
    }
    zx_handle_close(ends[0]);
    zx_handle_close(ends[1]);
}

/* --- handles in the table, objects alive ------------------------------------------------------ */

static zx_handle_t* make_handles(unsigned count, bool with_objects) {
    zx_handle_t* handles = malloc((count + 1) * sizeof(*handles));
    MUST(handles == NULL);
    MUST(zx_event_create(0, &handles[0]));
    for (unsigned i = 1; i <= count; i++)
        if (with_objects)
            MUST(zx_event_create(0, &handles[i]));
        else
            MUST(zx_handle_duplicate(handles[0], ZX_RIGHT_SAME_RIGHTS, &handles[i]));
    return handles;
}

static void close_handles(zx_handle_t* handles, unsigned count) {
    for (unsigned i = 0; i <= count; i++)
        zx_handle_close(handles[i]);
    free(handles);
}

GROWTH(handle_dup_close_by_handles, 1000, 0, 100, 10000, 200000) {
    zx_handle_t* handles = make_handles(bench->amount, false);
    zx_handle_t copy, last = handles[bench->amount];
    MEASURE(bench) {
        TRY(bench, zx_handle_duplicate(last, ZX_RIGHT_SAME_RIGHTS, &copy));
        TRY(bench, zx_handle_close(copy));
    }
    close_handles(handles, bench->amount);
}

GROWTH(event_create_close_by_objects, 500, 0, 100, 10000, 200000) {
    zx_handle_t* handles = make_handles(bench->amount, true);
    zx_handle_t event;
    MEASURE(bench) {
        TRY(bench, zx_event_create(0, &event));
        TRY(bench, zx_handle_close(event));
    }
    close_handles(handles, bench->amount);
}

/* --- processes, each with a thread that waits ------------------------------------------------- */

struct crowd {
    unsigned count;
    zx_handle_t* processes;
    zx_handle_t* channels;
};

static struct crowd crowd_start(unsigned count) {
    struct crowd crowd = {count, malloc((count + 1) * sizeof(zx_handle_t)),
                          malloc((count + 1) * sizeof(zx_handle_t))};
    MUST(crowd.processes == NULL || crowd.channels == NULL);
    for (unsigned i = 0; i < count; i++) {
        zx_handle_t theirs;
        MUST(zx_channel_create(0, &crowd.channels[i], &theirs));
        crowd.processes[i] = role_start("wait", theirs);
    }
    return crowd;
}

static void crowd_end(struct crowd* crowd) {
    for (unsigned i = 0; i < crowd->count; i++)
        zx_handle_close(crowd->channels[i]);
    for (unsigned i = 0; i < crowd->count; i++)
        process_wait(crowd->processes[i]);
    free(crowd->processes);
    free(crowd->channels);
}

GROWTH(messages_process_by_processes, 200, 0, 10, 100, 300) {
    struct crowd crowd = crowd_start(bench->amount);
    zx_handle_t ours, theirs;
    MUST(zx_channel_create(0, &ours, &theirs));
    zx_handle_t server = role_start("echo", theirs);
    char bytes[MESSAGE_SIZE] = {0};
    uint32_t size, handles;
    MEASURE(bench) {
        TRY(bench, zx_channel_write(ours, 0, bytes, sizeof(bytes), NULL, 0));
        TRY(bench, zx_object_wait_one(ours, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
        TRY(bench, zx_channel_read(ours, 0, bytes, NULL, sizeof(bytes), 0, &size, &handles));
    }
    zx_handle_close(ours);
    process_wait(server);
    crowd_end(&crowd);
}

GROWTH(process_create_close_by_processes, 20, 0, 10, 100, 300) {
    struct crowd crowd = crowd_start(bench->amount);
    zx_handle_t process, vmar;
    MEASURE(bench) {
        TRY(bench, zx_process_create(zx_job_default(), "new", 3, 0, &process, &vmar));
        TRY(bench, zx_handle_close(vmar));
        TRY(bench, zx_handle_close(process));
    }
    crowd_end(&crowd);
}
