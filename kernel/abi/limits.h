/* Bounds of the system. Shared by kernel and user mode. */
#pragma once

#define ZX_CHANNEL_MAX_MSG_BYTES 65536u
#define ZX_CHANNEL_MAX_MSG_HANDLES 64u
#define CHANNEL_MAX_QUEUED_MESSAGES 10000u
#define CHANNEL_MAX_QUEUED_BYTES (32u << 20)
#define DATAPIPE_DEFAULT_CAPACITY_BYTES (32u << 10)
#define DATAPIPE_MAX_CAPACITY_BYTES (256u << 20)
#define SOCKET_CAPACITY_BYTES (256u << 10) /* in each direction */
#define ZX_WAIT_MANY_MAX_ITEMS 64u
#define ZX_MAX_NAME_LEN 32u /* including the terminating zero */
#define PROCESS_MAX_HANDLES (1u << 18)
#define SYSCALL_MAX_NUMBER 128u

#define PAGE_SIZE_BYTES 4096u
