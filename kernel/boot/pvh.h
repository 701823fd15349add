/* PVH start information (qemu -kernel): pure parsing. */
#pragma once

#include <stdint.h>

#include <boot/boot_info.h>

#define PVH_LOADER_MAGIC 0x336ec578u

/* Returns NULL, or a text that says what is wrong. `at` converts a physical address below 4 GiB to
 * a pointer. */
const char* pvh_read(const void* information, const void* (*at)(uint64_t physical),
                     struct boot_info* info);
