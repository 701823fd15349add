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
    uint64_t offset; /* offset of the file in the VMO */
};

/* Maps the segments at a random place in `vmar` and returns the entry point. INVALID_ARGS: not a
 * valid static-PIE file for this machine. Other errors come from system calls; then some of the
 * segments may be mapped. */
zx_status_t elf_load(zx_handle_t vmar, const struct elf_source* source, zx_vaddr_t* entry);
