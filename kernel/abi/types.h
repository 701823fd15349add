/* Types that cross the system call boundary. Shared by kernel and user mode. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef int32_t zx_handle_t;
typedef int32_t zx_status_t;
typedef int64_t zx_ssize_t; /* bytes, or a negative status */
typedef uint32_t zx_rights_t;
typedef uint32_t zx_signals_t;
typedef int64_t zx_time_t;     /* nanoseconds, monotonic unless said otherwise */
typedef int64_t zx_duration_t; /* nanoseconds */
typedef int64_t zx_ticks_t;
typedef uint32_t zx_clock_t;
typedef uint64_t zx_koid_t;
typedef uint64_t zx_off_t;
typedef uintptr_t zx_paddr_t;
typedef uint64_t zx_vaddr_t;
typedef int32_t zx_futex_t;

#define ZX_HANDLE_INVALID ((zx_handle_t)0)
#define ZX_KOID_INVALID ((zx_koid_t)0)
#define ZX_KOID_KERNEL ((zx_koid_t)1)
#define ZX_TIME_INFINITE INT64_MAX

/* The monotonic clock is the only one implemented. */
#define ZX_CLOCK_MONOTONIC 0u
#define ZX_CLOCK_UTC 1u
#define ZX_CLOCK_THREAD 2u

typedef struct {
    zx_handle_t handle;
    zx_signals_t waitfor;
    zx_signals_t pending;
} zx_wait_item_t;

/* What channel_call writes, and where the reply goes. */
typedef struct {
    const void* wr_bytes;
    const zx_handle_t* wr_handles;
    void* rd_bytes;
    zx_handle_t* rd_handles;
    uint32_t wr_num_bytes;
    uint32_t wr_num_handles;
    uint32_t rd_num_bytes;
    uint32_t rd_num_handles;
} zx_channel_call_args_t;
