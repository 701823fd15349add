/* The first program. The kernel loads it from the boot archive, and passes it handles to all
 * resources (abi/bootstrap.h). */
#pragma once

struct boot_info;

/* Starts the program that jacinth.run names ("bin/hello,argument,argument"). Without that option it
 * starts bin/init; its arguments are the command line's words that begin with "jacinth.".
 *
 * If anything is wrong with the archive or the program, it calls boot_fail. Called in a thread,
 * when all else is initialized. */
void first_process_start(const struct boot_info* info);
