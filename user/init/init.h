/* The first process: between its files. */
#pragma once

#include <stddef.h>
#include <jacinth/launch.h>

/* Asks for commands on the serial console until `exit`. */
_Noreturn void shell_run(void);

/* Runs the test programs of the archive that `wanted` names (NULL: all), and switches the machine
 * off. `wanted` is PROGRAM or PROGRAM.CASE; the case goes to the program as its argument. */
_Noreturn void tests_run(const char* wanted);

/* Starts a program of the archive in `job` (lent), with duplicates of what init has itself
 * (resource, boot archive), the job, and `extra` (consumed) when its handle is not 0. */
zx_status_t start_program(const char* path, const char* const* arguments, size_t argument_count,
                          zx_handle_t job, struct launch_handle extra, zx_handle_t* process);
