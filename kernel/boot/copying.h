/* Choosing how memory is copied and cleared. */
#pragma once

#include <boot/boot_info.h>

/* Measures the routines that this machine can run (arch/bulk.h), and uses the fastest.
 * jacinth.copy= can name another. Called before the other CPUs start. */
void copying_choose(const struct boot_info* info);
