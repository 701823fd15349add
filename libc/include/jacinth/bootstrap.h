/* The handles that a program was started with. Each is found by its kind (abi/bootstrap.h). */
#pragma once

#include <abi/bootstrap.h>
#include <zircon/types.h>

/* Takes the handle of kind `info`: it belongs to the caller from now on. 0: there is none, or it
 * was taken. */
zx_handle_t bootstrap_take(uint32_t info);
/* Returns the same handle; it still belongs to the C library. */
zx_handle_t bootstrap_borrow(uint32_t info);
