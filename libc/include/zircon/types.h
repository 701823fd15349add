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
#define ZX_SOCKET_SHUTDOWN_WRITE ZX_SOCKET_HALF_CLOSE
#define ZX_SOCKET_SHUTDOWN_READ 2u /* not supported */
#define ZX_SOCKET_SHUTDOWN_MASK (ZX_SOCKET_SHUTDOWN_WRITE | ZX_SOCKET_SHUTDOWN_READ)

/* The options of the memory calls, under the names of early 2018. */
#define ZX_VM_FLAG_PERM_READ ZX_VM_PERM_READ
#define ZX_VM_FLAG_PERM_WRITE ZX_VM_PERM_WRITE
#define ZX_VM_FLAG_PERM_EXECUTE ZX_VM_PERM_EXECUTE
#define ZX_VM_FLAG_COMPACT ZX_VM_COMPACT
#define ZX_VM_FLAG_SPECIFIC ZX_VM_SPECIFIC
#define ZX_VM_FLAG_SPECIFIC_OVERWRITE ZX_VM_SPECIFIC_OVERWRITE
#define ZX_VM_FLAG_CAN_MAP_SPECIFIC ZX_VM_CAN_MAP_SPECIFIC
#define ZX_VM_FLAG_CAN_MAP_READ ZX_VM_CAN_MAP_READ
#define ZX_VM_FLAG_CAN_MAP_WRITE ZX_VM_CAN_MAP_WRITE
#define ZX_VM_FLAG_CAN_MAP_EXECUTE ZX_VM_CAN_MAP_EXECUTE
#define ZX_VM_FLAG_MAP_RANGE ZX_VM_MAP_RANGE
#define ZX_VM_FLAG_REQUIRE_NON_RESIZABLE ZX_VM_REQUIRE_NON_RESIZABLE
