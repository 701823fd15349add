/* Every system call, 2018 spelling; docs/syscalls.md is the manual. */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS
#include <syscalls/zx.h>
__END_CDECLS
