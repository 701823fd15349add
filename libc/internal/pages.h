/* New memory for the heap. */
#pragma once

#include <stddef.h>

/* Returns memory of zeros; `size` is in whole pages. NULL: no memory. */
void* pages_map(size_t size);
void pages_unmap(void* pages, size_t size);
