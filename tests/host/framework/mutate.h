/* Damaged copies of good data, for parsers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A copy in memory of exactly its size, so that the address sanitizer sees every look beyond it:
 * some bytes changed, sometimes cut off. To be freed. */
uint8_t* mutate(const void* data, size_t size, uint32_t* random, size_t* new_size);
/* The first `size` bytes, unchanged, in memory of that size. To be freed. */
uint8_t* truncate_to(const void* data, size_t size);
