/* Looks at memory without touching it: a test can ask and go on. */
#pragma once

#include <stdbool.h>
#include <zircon/types.h>

/* Can the kernel write (read) the byte there on our behalf? */
bool is_writable(zx_vaddr_t address);
bool is_readable(zx_vaddr_t address);
