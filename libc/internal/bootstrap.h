/* Between start.c, the launcher and the rest of libc. */
#pragma once

#include <stdbool.h>
#include <zircon/types.h>

/* What libc puts up with in a bootstrap message. */
#define BOOTSTRAP_MAX_BYTES 4096u
#define BOOTSTRAP_MAX_ARGUMENTS 64u

struct program_arguments {
    int count;
    char** strings; /* ends with NULL */
};

/* Reads the first message of `channel`, keeps the handles for bootstrap_take and closes the
 * channel. Needs the thread pointer. The process ends when there is no sound message. */
struct program_arguments bootstrap_read(zx_handle_t channel);
