/* Policies: what the processes of a job may do.
 *
 * Rules for policies:
 * - A policy is a value. A new job gets a copy of its parent's, a process a copy of its job's.
 * - Only the policy of a job without processes and jobs can change.
 * - So a program cannot loosen a condition that was set above it. It may set a condition that was
 *   not set, even VMAR_WX, which is denied until it is set. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/policy.h>
#include <abi/types.h>
#include <lib/compiler.h>

/* Four bits for each condition: the action, and POLICY_IS_SET. 0: not set. */
struct policy {
    uint64_t actions;
};

/* Returns the action for a condition; the default if it was not set. */
uint32_t policy_action(struct policy policy, uint32_t condition);
/* Whether the action ends the process. */
static inline bool policy_action_kills(uint32_t action) {
    return action == ZX_POL_ACTION_KILL || (action & ZX_POL_ACTION_EXCEPTION);
}
/* Returns the condition's name, for the log. */
const char* policy_condition_name(uint32_t condition);

/* Adds `count` entries, all or none. A later entry overrides an earlier one. NOT_SUPPORTED: an
 * unknown condition or action. ALREADY_EXISTS: `is_absolute`, and a condition was set to another
 * action before the call. */
MUST_CHECK zx_status_t policy_add(struct policy* policy, bool is_absolute,
                                  const zx_policy_basic_t* entries, uint32_t count);
