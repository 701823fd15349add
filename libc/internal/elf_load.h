/* Loading a static-PIE file into an address space. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <zircon/types.h>

/* A file within a VMO, which is mapped at `bytes`. */
struct elf_source {
    const char* bytes;
    size_t size;
    zx_handle_t vmo;
    uint64_t offset; /* of the file's first byte in it */
};

/* Maps the segments at a random place below `vmar` and answers the entry point. INVALID_ARGS: not a
 * sound static-PIE file for this machine; else what the system calls answered (then some
 * of the segments may be mapped). */
zx_status_t elf_load(zx_handle_t vmar, const struct elf_source* source, zx_vaddr_t* entry);
