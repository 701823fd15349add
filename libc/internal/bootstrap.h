/* What start.c, the launcher and the rest of libc share. */
#pragma once

#include <stdbool.h>
#include <zircon/types.h>

/* The largest bootstrap message that libc accepts. */
#define BOOTSTRAP_MAX_BYTES 4096u
#define BOOTSTRAP_MAX_ARGUMENTS 64u

struct program_arguments {
    int count;
    char** strings; /* ends with NULL */
};

/* Reads the first message of `channel`, keeps the handles for bootstrap_take, and closes the
 * channel. Needs the thread pointer. If the message is not valid, the process ends. */
struct program_arguments bootstrap_read(zx_handle_t channel);
