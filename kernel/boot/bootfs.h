/* The boot archive: cpio newc, read in place. Pure: compiles on the build machine too. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bootfs_file {
    const char* name;
    const uint8_t* data;
    size_t size;
};

/* Returns NULL if the whole archive is well-formed, else a text that says what is wrong. */
const char* bootfs_check(const void* archive, size_t size);
/* Finds a file. False: there is no such file. A leading "./" in the archive is ignored. */
bool bootfs_find(const void* archive, size_t size, const char* name, struct bootfs_file* file);
