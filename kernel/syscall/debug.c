#include <syscalls/prototypes.h>

#include <debug/board.h>
#include <debug/console.h>
#include <task/leak_check.h>
#include <sched/console_output.h>
#include <sched/wait_queue.h>
#include <syscall/debug.h>
#include <syscall/handle_helpers.h>

#define TEXT_CHUNK 256u
#define REPORT_SIZE_MAX 1024u

static zx_status_t check_resource(zx_handle_t handle) {
    struct object* resource;
    zx_status_t status = handle_get(handle, ZX_OBJ_TYPE_RESOURCE, ZX_RIGHT_NONE, &resource);
    return status == ZX_OK ? handle_put(resource, ZX_OK) : status;
}

/* Each chunk is written whole; other writers may write between two chunks. If the queue is full,
 * the caller waits while a device takes characters. It does not wait for a device that takes
 * none. */
zx_status_t sys_debug_write(user_in(char) text, size_t size) {
    char chunk[TEXT_CHUNK];
    if (!user_range_is_valid(text.address, size))
        return ZX_ERR_INVALID_ARGS;
    while (size > 0 && !thread_is_killed(thread_current())) {
        size_t count = MIN(size, sizeof(chunk));
        if (!user_read(chunk, text, count))
            return ZX_ERR_INVALID_ARGS;
        if (!console_output_write(chunk, count))
            break; /* killed */
        text.address += count;
        size -= count;
    }
    return ZX_OK;
}

/* --- input ---------------------------------------------------------------------------------- */

static struct wait_queue input_waiters = WAIT_QUEUE_INITIALIZER(input_waiters);

void debug_input_arrived(void) {
    wait_queue_wake(&input_waiters, WAKE_ALL);
}

struct input_request {
    char text[TEXT_CHUNK];
    size_t room, count;
};

static bool take_input(void* argument) {
    struct input_request* request = argument;
    request->count = console_read(request->text, request->room);
    return request->count > 0;
}

/* Reads at least one character and at most `size`. A read with size 0 succeeds at once. */
zx_status_t sys_debug_read(zx_handle_t resource, user_out(char) buffer, size_t size,
                           zx_time_t deadline, user_out(size_t) actual) {
    struct input_request request = {.room = MIN(size, TEXT_CHUNK)};
    zx_status_t status = check_resource(resource);
    if (status != ZX_OK)
        return status;
    if (!user_fault_in(buffer.address, request.room, true) ||
        !user_fault_in(actual.address, sizeof(size_t), true))
        return ZX_ERR_INVALID_ARGS;
    if (request.room > 0)
        status = wait_queue_wait(&input_waiters, take_input, &request, deadline);
    if (status != ZX_OK)
        return status;
    return user_write(buffer, request.text, request.count) && user_write(actual, &request.count, 1)
               ? ZX_OK
               : ZX_ERR_INVALID_ARGS;
}

/* --- tests ---------------------------------------------------------------------------------- */

zx_status_t sys_system_report(zx_handle_t resource, user_in(char) record, size_t size) {
    char text[REPORT_SIZE_MAX];
    zx_status_t status = check_resource(resource);
    if (status != ZX_OK)
        return status;
    if (size > sizeof(text))
        return ZX_ERR_OUT_OF_RANGE;
    if (!user_read(text, record, size))
        return ZX_ERR_INVALID_ARGS;
    results_write(text, size);
    return ZX_OK;
}

zx_status_t sys_system_exit(zx_handle_t resource, uint32_t status) {
    zx_status_t allowed = check_resource(resource);
    if (allowed != ZX_OK)
        return allowed;
    leak_check_exit(status);
}
