/* Fresh memory for the heap. */
#pragma once

#include <stddef.h>

/* Zeroed memory, `size` in whole pages; NULL: none left. */
void* pages_map(size_t size);
void pages_unmap(void* pages, size_t size);
