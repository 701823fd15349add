/* The first process: between its files. */
#pragma once

#include <stddef.h>
#include <jacinth/launch.h>

/* Asks for commands on the serial console until `exit`. */
_Noreturn void shell_run(void);

/* Runs the test programs of the archive that `wanted` names (NULL: all), and switches the machine
 * off. `wanted` is PROGRAM or PROGRAM.CASE; the case goes to the program as its argument. */
_Noreturn void tests_run(const char* wanted);

#define EXTRA_HANDLES_MAX 2u

/* What a program is started with. */
struct program_request {
    const char* path; /* in the archive */
    const char* const* arguments;
    size_t argument_count;
    const struct launch_handle* extra; /* at most EXTRA_HANDLES_MAX */
    size_t extra_count;
};

/* Starts a program in a new job below init's own. The program gets that job, the boot archive and
 * the extra handles, which are consumed also on failure; nothing else of init's. On success the
 * caller owns `*process` and `*job`. */
zx_status_t start_program(const struct program_request* request, zx_handle_t* job,
                          zx_handle_t* process);
/* Ends what the program has left behind in its job, and closes both handles. */
void end_program(zx_handle_t job, zx_handle_t process);
