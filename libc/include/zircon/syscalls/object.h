/* Topics and structures of zx_object_get_info, properties of zx_object_get/set_property. */
#pragma once

#include <abi/objects.h>
#include <zircon/types.h>

/* Topics that are not implemented: NOT_SUPPORTED. */
#define ZX_INFO_RESOURCE_CHILDREN 5u
#define ZX_INFO_RESOURCE_RECORDS 6u
#define ZX_INFO_VMAR 7u
#define ZX_INFO_JOB_CHILDREN 8u
#define ZX_INFO_JOB_PROCESSES 9u
#define ZX_INFO_THREAD_EXCEPTION_REPORT 11u
#define ZX_INFO_TASK_STATS 12u
#define ZX_INFO_PROCESS_MAPS 13u
#define ZX_INFO_PROCESS_VMOS 14u
#define ZX_INFO_THREAD_STATS 15u
#define ZX_INFO_CPU_STATS 16u
#define ZX_INFO_KMEM_STATS 17u
#define ZX_INFO_RESOURCE 18u
#define ZX_INFO_BTI 20u
#define ZX_INFO_PROCESS_HANDLE_STATS 21u
#define ZX_INFO_LAST 22u

/* Properties that are not implemented: INVALID_ARGS. */
#define ZX_PROP_REGISTER_GS 2u
#define ZX_PROP_REGISTER_FS 4u
#define ZX_PROP_PROCESS_DEBUG_ADDR 5u
#define ZX_PROP_PROCESS_VDSO_BASE_ADDRESS 6u
#define ZX_PROP_SOCKET_RX_BUF_MAX 8u
#define ZX_PROP_SOCKET_RX_BUF_SIZE 9u
#define ZX_PROP_SOCKET_TX_BUF_MAX 10u
#define ZX_PROP_SOCKET_TX_BUF_SIZE 11u
#define ZX_PROP_CHANNEL_TX_MSG_MAX 12u

/* States that the kernel never shows. */
#define ZX_THREAD_STATE_SUSPENDED 0x0002u
#define ZX_THREAD_STATE_DYING 0x0004u
#define ZX_THREAD_STATE_BLOCKED_EXCEPTION 0x0103u
#define ZX_THREAD_STATE_BLOCKED_PORT 0x0403u
#define ZX_THREAD_STATE_BLOCKED_INTERRUPT 0x0803u
