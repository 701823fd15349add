/* Jobs with policies, and helpers that do what a policy may forbid. */
#pragma once

#include <helper.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/policy.h>

#define PATIENCE ZX_SEC(100) /* also for 1,500 threads */
#define ALLOW ZX_POL_ACTION_ALLOW
#define DENY ZX_POL_ACTION_DENY
#define KILL ZX_POL_ACTION_KILL
#define EXCEPTION ZX_POL_ACTION_EXCEPTION

/* ZX_HANDLE_INVALID: failed. */
zx_handle_t create_job(zx_handle_t parent);
zx_status_t set_policy(zx_handle_t job, uint32_t options, uint32_t condition, uint32_t action);
zx_status_t set_absolute(zx_handle_t job, uint32_t condition, uint32_t action);
/* A job below our own with this policy, absolute. */
zx_handle_t create_job_with(uint32_t condition, uint32_t action);

/* Sends the helper a number and, unless it is ZX_HANDLE_INVALID, a handle, which is consumed.
 * Returns the status that the helper sends back; PEER_CLOSED if it ended instead. */
zx_status_t have_done(const struct helper* helper, uint32_t number, zx_handle_t handle);
/* The helper ends, or has ended, by its job's policy. Closes it. */
void expect_ended_by_policy(struct helper* helper);
