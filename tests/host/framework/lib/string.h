/* The kernel's own string functions get names of their own, so that the C library of the build
 * machine keeps its; memcpy, memmove and memset are the machine's. */
#pragma once

#define memcmp kernel_memcmp
#define strlen kernel_strlen
#define strnlen kernel_strnlen
#define strcmp kernel_strcmp
#define strncmp kernel_strncmp
#define strchr kernel_strchr
#define strlcpy kernel_strlcpy

#include "../../../../kernel/lib/string.h"
