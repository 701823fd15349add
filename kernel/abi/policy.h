/* Policies of jobs: what job_set_policy takes. Shared by kernel and user mode. */
#pragma once

#include <stdint.h>

/* Options: what to do about a condition that was set before. */
#define ZX_JOB_POL_RELATIVE 0u /* it stays as it was set first */
#define ZX_JOB_POL_ABSOLUTE 1u /* the call fails, if it was set otherwise */

/* The topic: an array of zx_policy_basic_t. */
#define ZX_JOB_POL_BASIC 0u

/* Conditions: what a process of the job does. */
#define ZX_POL_BAD_HANDLE 0u   /* gives a call a value that is no handle */
#define ZX_POL_WRONG_OBJECT 1u /* gives a call a handle to an object of the wrong type */
#define ZX_POL_VMAR_WX 2u      /* maps memory to be written and executed; denied unless allowed */
#define ZX_POL_NEW_ANY 3u      /* makes an object: all that follow, and data pipes */
#define ZX_POL_NEW_VMO 4u      /* also clones */
#define ZX_POL_NEW_CHANNEL 5u  /* also message pipes */
#define ZX_POL_NEW_EVENT 6u
#define ZX_POL_NEW_EVENTPAIR 7u
#define ZX_POL_NEW_PORT 8u
#define ZX_POL_NEW_SOCKET 9u
#define ZX_POL_NEW_FIFO 10u
#define ZX_POL_NEW_TIMER 11u
#define ZX_POL_NEW_PROCESS 12u
#define ZX_POL_MAX 13u

/* Actions. EXCEPTION may be added to ALLOW and DENY; while there are no exception ports it ends the
 * process, as KILL does. */
#define ZX_POL_ACTION_ALLOW 0u
#define ZX_POL_ACTION_DENY 1u
#define ZX_POL_ACTION_EXCEPTION 2u
#define ZX_POL_ACTION_KILL 5u

typedef struct {
    uint32_t condition;
    uint32_t policy; /* the action */
} zx_policy_basic_t;
