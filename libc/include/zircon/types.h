/* The types and constants of every system call, 2018 spelling. */
#pragma once

#include <abi/limits.h>
#include <abi/memory.h>
#include <abi/objects.h>
#include <abi/pipes.h>
#include <abi/signals.h>
#include <abi/types.h>
#include <zircon/compiler.h>
#include <zircon/errors.h>
#include <zircon/rights.h>

#define ZX_NSEC(n) ((zx_duration_t)(n))
#define ZX_USEC(n) ((zx_duration_t)(1000ll * (n)))
#define ZX_MSEC(n) ((zx_duration_t)(1000000ll * (n)))
#define ZX_SEC(n) ((zx_duration_t)(1000000000ll * (n)))
#define ZX_MIN(n) (ZX_SEC(n) * 60)
#define ZX_HOUR(n) (ZX_MIN(n) * 60)

#define ZX_USER_SIGNAL_1 (1u << 25)
#define ZX_USER_SIGNAL_2 (1u << 26)
#define ZX_USER_SIGNAL_3 (1u << 27)
#define ZX_USER_SIGNAL_4 (1u << 28)
#define ZX_USER_SIGNAL_5 (1u << 29)
#define ZX_USER_SIGNAL_6 (1u << 30)
#define ZX_USER_SIGNAL_7 (1u << 31)

#define ZX_CHANNEL_READ_MAY_DISCARD 1u
