/* The types and constants of every system call, 2016 and 2017 spelling: other names for the zx
 * ones. */
#pragma once

#include <magenta/errors.h>
#include <magenta/memory.h>
#include <magenta/rights.h>
#include <zircon/types.h>

typedef zx_handle_t mx_handle_t;
typedef zx_status_t mx_status_t;
typedef zx_rights_t mx_rights_t;
typedef zx_signals_t mx_signals_t;
typedef zx_time_t mx_time_t;
typedef zx_duration_t mx_duration_t;
typedef zx_ticks_t mx_ticks_t;
typedef zx_koid_t mx_koid_t;
typedef zx_vaddr_t mx_vaddr_t;
typedef zx_futex_t mx_futex_t;
typedef zx_wait_item_t mx_wait_item_t;
typedef zx_channel_call_args_t mx_channel_call_args_t;
/* 2016 spelled these two for itself. */
typedef size_t mx_size_t;
typedef ptrdiff_t mx_ssize_t;

#define MX_HANDLE_INVALID ZX_HANDLE_INVALID
#define MX_KOID_INVALID ZX_KOID_INVALID
#define MX_TIME_INFINITE ZX_TIME_INFINITE
#define MX_CLOCK_MONOTONIC ZX_CLOCK_MONOTONIC
#define MX_MAX_NAME_LEN ZX_MAX_NAME_LEN

#define MX_NSEC(n) ZX_NSEC(n)
#define MX_USEC(n) ZX_USEC(n)
#define MX_MSEC(n) ZX_MSEC(n)
#define MX_SEC(n) ZX_SEC(n)
#define MX_MIN(n) ZX_MIN(n)
#define MX_HOUR(n) ZX_HOUR(n)

/* 2016 named the signals MX_SIGNAL_…, 2017 MX_OBJECT_… and after each type. */
#define MX_SIGNAL_NONE ZX_SIGNAL_NONE
#define MX_SIGNAL_READABLE ZX_OBJECT_READABLE
#define MX_SIGNAL_WRITABLE ZX_OBJECT_WRITABLE
#define MX_SIGNAL_PEER_CLOSED ZX_OBJECT_PEER_CLOSED
#define MX_SIGNAL_SIGNALED ZX_OBJECT_SIGNALED
#define MX_SIGNAL_READ_THRESHOLD ZX_SIGNAL_READ_THRESHOLD
#define MX_SIGNAL_WRITE_THRESHOLD ZX_SIGNAL_WRITE_THRESHOLD
#define MX_SIGNAL_LAST_HANDLE ZX_SIGNAL_LAST_HANDLE
#define MX_SIGNAL_HANDLE_CLOSED ZX_SIGNAL_HANDLE_CLOSED
#define MX_OBJECT_READABLE ZX_OBJECT_READABLE
#define MX_OBJECT_WRITABLE ZX_OBJECT_WRITABLE
#define MX_OBJECT_PEER_CLOSED ZX_OBJECT_PEER_CLOSED
#define MX_OBJECT_SIGNALED ZX_OBJECT_SIGNALED
#define MX_CHANNEL_READABLE ZX_CHANNEL_READABLE
#define MX_CHANNEL_WRITABLE ZX_CHANNEL_WRITABLE
#define MX_CHANNEL_PEER_CLOSED ZX_CHANNEL_PEER_CLOSED
#define MX_SOCKET_READABLE ZX_SOCKET_READABLE
#define MX_SOCKET_WRITABLE ZX_SOCKET_WRITABLE
#define MX_SOCKET_PEER_CLOSED ZX_SOCKET_PEER_CLOSED
#define MX_EVENT_SIGNALED ZX_EVENT_SIGNALED
#define MX_EPAIR_SIGNALED ZX_EVENTPAIR_SIGNALED
#define MX_EPAIR_PEER_CLOSED ZX_EVENTPAIR_PEER_CLOSED
#define MX_TASK_TERMINATED ZX_TASK_TERMINATED
#define MX_PROCESS_TERMINATED ZX_PROCESS_TERMINATED
#define MX_THREAD_TERMINATED ZX_THREAD_TERMINATED
#define MX_JOB_NO_PROCESSES ZX_JOB_NO_PROCESSES
#define MX_JOB_NO_JOBS ZX_JOB_NO_JOBS
#define MX_USER_SIGNAL_0 ZX_USER_SIGNAL_0
#define MX_USER_SIGNAL_1 ZX_USER_SIGNAL_1
#define MX_USER_SIGNAL_2 ZX_USER_SIGNAL_2
#define MX_USER_SIGNAL_3 ZX_USER_SIGNAL_3
#define MX_USER_SIGNAL_4 ZX_USER_SIGNAL_4
#define MX_USER_SIGNAL_5 ZX_USER_SIGNAL_5
#define MX_USER_SIGNAL_6 ZX_USER_SIGNAL_6
#define MX_USER_SIGNAL_7 ZX_USER_SIGNAL_7
#define MX_USER_SIGNAL_ALL ZX_USER_SIGNAL_ALL

#define MX_CHANNEL_MAX_MSG_BYTES ZX_CHANNEL_MAX_MSG_BYTES
#define MX_CHANNEL_MAX_MSG_HANDLES ZX_CHANNEL_MAX_MSG_HANDLES
#define MX_CHANNEL_READ_MAY_DISCARD ZX_CHANNEL_READ_MAY_DISCARD
#define MX_WAIT_MANY_MAX_ITEMS ZX_WAIT_MANY_MAX_ITEMS

/* Options of mx_socket_create and mx_socket_write. */
#define MX_SOCKET_STREAM ZX_SOCKET_STREAM
#define MX_SOCKET_DATAGRAM ZX_SOCKET_DATAGRAM
#define MX_SOCKET_HALF_CLOSE ZX_SOCKET_HALF_CLOSE
