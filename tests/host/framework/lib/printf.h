/* As lib/string.h: the kernel's functions under other names. */
#pragma once

#define vsnprintf kernel_vsnprintf
#define snprintf kernel_snprintf

#include "../../../../kernel/lib/printf.h"
