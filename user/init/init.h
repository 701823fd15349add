/* What the files of the first process share. */
#pragma once

#include <stddef.h>
#include <jacinth/launch.h>

/* Reads commands from the serial console until `exit`. */
_Noreturn void shell_run(void);

/* Runs the test programs of the archive that `wanted` names (NULL: all), and switches the machine
 * off. `wanted` is PROGRAM or PROGRAM.CASE; the case goes to the program as its argument. */
_Noreturn void tests_run(const char* wanted);

#define EXTRA_HANDLES_MAX 2u

/* A program to start, and what it gets. */
struct program_request {
    const char* path; /* in the archive */
    const char* const* arguments;
    size_t argument_count;
    const struct launch_handle* extra; /* at most EXTRA_HANDLES_MAX */
    size_t extra_count;
};

/* Starts a program in a new job below init's own job. The program gets that job, the boot archive
 * and the extra handles, and no other handle of init. The extra handles are consumed, even on
 * failure. On success the caller owns `*process` and `*job`. */
zx_status_t start_program(const struct program_request* request, zx_handle_t* job,
                          zx_handle_t* process);
/* Kills what the program has left in its job, and closes both handles. */
void end_program(zx_handle_t job, zx_handle_t process);
