/* The handles a program was started with, by what they are (abi/bootstrap.h). */
#pragma once

#include <abi/bootstrap.h>
#include <zircon/types.h>

/* The handle that came with `info`, which is the caller's from now on; 0: none (left). */
zx_handle_t bootstrap_take(uint32_t info);
/* The same handle, lent: the C library keeps it. */
zx_handle_t bootstrap_borrow(uint32_t info);
