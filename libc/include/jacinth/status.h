/* Status values in words. */
#pragma once

#include <zircon/types.h>

/* "ZX_ERR_BAD_HANDLE" and so on; never NULL. */
const char* status_name(zx_status_t status);
