/* Limits of libc; those of the language are the compiler's, whose own <limits.h> includes this. */
#pragma once

#ifndef _GCC_LIMITS_H_
#include_next <limits.h>
#endif

#define MB_LEN_MAX 4
#define SSIZE_MAX LONG_MAX
#define PATH_MAX 256
#define PAGE_SIZE 4096
