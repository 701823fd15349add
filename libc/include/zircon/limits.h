/* The size of pages. */
#pragma once

#include <abi/limits.h>

#define ZX_PAGE_SHIFT 12u
#define ZX_PAGE_SIZE PAGE_SIZE_BYTES
#define ZX_PAGE_MASK (ZX_PAGE_SIZE - 1u)
