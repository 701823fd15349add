/* From a C11 thread to its kernel object. */
#pragma once

#include <threads.h>
#include <zircon/types.h>

__BEGIN_CDECLS
/* Borrowed: valid until the thread is joined or, when detached, ends. */
zx_handle_t thrd_get_zx_handle(thrd_t thread);
__END_CDECLS
