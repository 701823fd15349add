/* Loading a static-PIE file into an address space. */
#pragma once

#include <stddef.h>
#include <zircon/types.h>

/* Maps the segments at a random place below `vmar` and answers the entry point. INVALID_ARGS: not a
 * sound static-PIE file for this machine; else what the system calls answered (then some
 * of the segments may be mapped). */
zx_status_t elf_load(zx_handle_t vmar, const void* file, size_t size, zx_vaddr_t* entry);
