/* The choice how memory is copied and cleared. */
#pragma once

#include <boot/boot_info.h>

/* Measures the routines that this machine has (arch/bulk.h), and uses the quickest, or what
 * jacinth.copy= says. Before there are other CPUs. */
void copying_choose(const struct boot_info* info);
