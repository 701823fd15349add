/* Every system call, 2016 and 2017 spelling; docs/syscalls.md is the manual. */
#pragma once

#include <magenta/types.h>

__BEGIN_CDECLS
#include <syscalls/mx.h>
__END_CDECLS
