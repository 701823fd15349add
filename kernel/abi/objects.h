/* Object types, and the topics and properties of object_get_info / object_get_property.
 * Shared by kernel and user mode. */
#pragma once

#include <abi/types.h>

/* X(NAME, value): the kinds of kernel object. */
#define OBJECT_TYPE_LIST(X) \
    X(NONE, 0)              \
    X(PROCESS, 1)           \
    X(THREAD, 2)            \
    X(VMO, 3)               \
    X(CHANNEL, 4)           \
    X(EVENT, 5)             \
    X(MSGPIPE, 6)           \
    X(DATAPIPE_PRODUCER, 7) \
    X(DATAPIPE_CONSUMER, 8) \
    X(SOCKET, 14)           \
    X(RESOURCE, 15)         \
    X(EVENTPAIR, 16)        \
    X(JOB, 17)              \
    X(VMAR, 18)

typedef enum {
#define OBJECT_TYPE_ENUM(name, value) ZX_OBJ_TYPE_##name = (value),
    OBJECT_TYPE_LIST(OBJECT_TYPE_ENUM)
#undef OBJECT_TYPE_ENUM
} zx_obj_type_t;

/* object_get_info topics. */
#define ZX_INFO_NONE 0u
#define ZX_INFO_HANDLE_VALID 1u
#define ZX_INFO_HANDLE_BASIC 2u
#define ZX_INFO_PROCESS 3u
#define ZX_INFO_PROCESS_THREADS 4u
#define ZX_INFO_THREAD 10u
#define ZX_INFO_HANDLE_COUNT 19u
#define ZX_INFO_HANDLE_TABLE 64u  /* this system's own */
#define ZX_INFO_KERNEL_MEMORY 65u /* this system's own; needs a resource handle */

/* zx_info_handle_basic_t.props */
#define ZX_OBJ_PROP_NONE 0u
#define ZX_OBJ_PROP_WAITABLE 1u

typedef struct {
    zx_koid_t koid;
    zx_rights_t rights;
    uint32_t type; /* zx_obj_type_t */
    /* The koid of the peer (even if it is closed), of a process's job, or of a thread's process;
     * else 0. */
    zx_koid_t related_koid;
    uint32_t props;
    uint32_t reserved;
} zx_info_handle_basic_t;

typedef struct {
    int64_t return_code;
    uint8_t started;
    uint8_t exited;
    uint8_t debugger_attached; /* never */
    uint8_t reserved[5];
} zx_info_process_t;

typedef struct {
    uint32_t handle_count; /* handles to the object, in tables and in messages */
} zx_info_handle_count_t;

/* HANDLE_TABLE of a process: an array of these, as many as fit. */
typedef struct {
    zx_handle_t handle;
    zx_rights_t rights;
    uint32_t type;
    uint32_t reserved;
    zx_koid_t koid;
} zx_info_handle_entry_t;

#define ZX_THREAD_STATE_NEW 0x0000u
#define ZX_THREAD_STATE_RUNNING 0x0001u
#define ZX_THREAD_STATE_BLOCKED 0x0003u
#define ZX_THREAD_STATE_DEAD 0x0005u
/* A call of 2018 shows which kind of wait blocks a thread; one of 2017 shows only BLOCKED. Kinds of
 * wait without a state of their own are BLOCKED in both. */
#define ZX_THREAD_STATE_BLOCKED_SLEEPING 0x0203u
#define ZX_THREAD_STATE_BLOCKED_FUTEX 0x0303u
#define ZX_THREAD_STATE_BLOCKED_CHANNEL 0x0503u
#define ZX_THREAD_STATE_BLOCKED_WAIT_ONE 0x0603u
#define ZX_THREAD_STATE_BLOCKED_WAIT_MANY 0x0703u
#define ZX_THREAD_STATE_BASIC(state) ((state)&0xffu)

typedef struct {
    uint32_t state;
    uint32_t wait_exception_port_type; /* 0: in no exception */
} zx_info_thread_t;

/* What the kernel holds right now: tests compare it before and after. */
typedef struct {
    uint64_t total_pages;
    uint64_t free_pages;     /* counts the pages in per-CPU caches as free */
    uint64_t slab_objects;   /* objects in use over all slab caches */
    uint64_t kernel_objects; /* live objects of every type */
    uint64_t threads;
} zx_info_kernel_memory_t;

/* object_get/set_property. */
#define ZX_PROP_NAME 3u
/* The names of 2016, which had different numbers for them. */
#define ZX_PROP_DATAPIPE_READ_THRESHOLD 64u
#define ZX_PROP_DATAPIPE_WRITE_THRESHOLD 65u
