/* Starts programs from the boot archive. */
#pragma once

#include <stddef.h>
#include <jacinth/bootstrap.h>

/* A handle for the new program, and the kind under which the program finds it (BOOTSTRAP_INFO). */
struct launch_handle {
    uint32_t info;
    zx_handle_t handle;
};

struct launch_request {
    const char* path;             /* in the archive, e.g. "bin/hello" */
    const char* const* arguments; /* argv, argv[0] included */
    size_t argument_count;
    const struct launch_handle* handles;
    size_t handle_count;
    zx_handle_t job;    /* lent; 0: the caller's own */
    zx_handle_t bootfs; /* lent; 0: the caller's own */
};

#define LAUNCH_MAX_HANDLES (ZX_CHANNEL_MAX_MSG_HANDLES - 3)

/* Makes a process, loads the program, and starts it with its arguments and handles. The handles of
 * the request are consumed, even on failure. On success `*process` belongs to the caller.
 * NOT_FOUND: no such program. INVALID_ARGS: not a valid static-PIE file, or too many handles or
 * arguments. Other errors come from system calls. */
zx_status_t launch(const struct launch_request* request, zx_handle_t* process);
