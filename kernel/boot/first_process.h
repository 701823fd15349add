/* The first program: loaded from the boot archive by the kernel, which gives it the handles to all
 * there is (abi/bootstrap.h). */
#pragma once

struct boot_info;

/* Starts the program that jacinth.run names ("bin/hello,argument,argument"; otherwise bin/init,
 * whose arguments are the words of the command line that begin with "jacinth."). Whatever is wrong
 * with the archive or the program ends in boot_fail. In a thread, once everything else is up. */
void first_process_start(const struct boot_info* info);
