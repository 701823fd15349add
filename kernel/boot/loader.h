/* Choosing between the loaders: Multiboot2 or PVH. */
#pragma once

#include <stdint.h>

#include <boot/boot_info.h>

/* Reads what the loader left in memory. Calls boot_fail (one clear line) if that cannot be used:
 * unknown magic, no memory map. */
void loader_read(uint32_t magic, uint64_t address, struct boot_info* info);
