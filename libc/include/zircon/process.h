/* The handles that every program has. They belong to the C library: do not close them. 0: the
 * program was started without that handle. */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS
zx_handle_t zx_process_self(void);
zx_handle_t zx_thread_self(void);
zx_handle_t zx_vmar_root_self(void);
zx_handle_t zx_job_default(void);
__END_CDECLS
