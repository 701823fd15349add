/* The boot archive (cpio newc), read through a mapping of its VMO. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <zircon/types.h>

struct bootfs {
    const char* start;
    size_t size;
};

struct bootfs_file {
    const char* name;
    const void* data;
    size_t size;
    bool is_directory;
};

/* Maps the archive read-only. The caller keeps the handle. */
zx_status_t bootfs_open(zx_handle_t vmo, struct bootfs* bootfs);
void bootfs_close(struct bootfs* bootfs);
/* The archive that this program was given. It stays mapped: do not close it. */
zx_status_t bootfs_open_own(struct bootfs* bootfs);
/* Steps through the files: `*position` starts at 0. False: at the end, or the archive is broken. */
bool bootfs_next(const struct bootfs* bootfs, size_t* position, struct bootfs_file* file);
bool bootfs_find(const struct bootfs* bootfs, const char* name, struct bootfs_file* file);
