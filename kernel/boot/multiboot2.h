/* Multiboot2 information: pure parsing, no kernel state. */
#pragma once

#include <boot/boot_info.h>

#define MULTIBOOT2_LOADER_MAGIC 0x36d76289u

/* Returns NULL, or a text that says what is wrong. `information` is the loader's block; its first
 * word is its size. */
const char* multiboot2_read(const void* information, struct boot_info* info);
