/* PVH start information (qemu -kernel): pure parsing. */
#pragma once

#include <stdint.h>

#include <boot/boot_info.h>

#define PVH_LOADER_MAGIC 0x336ec578u

/* NULL, or what is wrong. `at` turns a physical address below 4 GiB into a pointer. */
const char* pvh_read(const void* information, const void* (*at)(uint64_t physical),
                     struct boot_info* info);
