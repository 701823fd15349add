/* The handles a program always has at hand. They stay the C library's: do not close them; 0 when
 * the program was started without that handle. */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS
zx_handle_t zx_process_self(void);
zx_handle_t zx_thread_self(void);
zx_handle_t zx_vmar_root_self(void);
zx_handle_t zx_job_default(void);
__END_CDECLS
