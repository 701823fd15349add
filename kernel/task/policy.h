/* What the processes of a job may do. A policy is a value: a job gets its parent's when it is made,
 * a process its job's. It never changes afterwards, except that of a job which has neither
 * processes nor jobs. So what was set is never loosened by a program that lives under it. What was
 * not set may be, also VMAR_WX, which is denied then. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/policy.h>
#include <abi/types.h>
#include <lib/compiler.h>

/* Four bits for each condition: the action, and POLICY_IS_SET. 0: nothing was set. */
struct policy {
    uint64_t actions;
};

/* What is done about a condition, also where nothing was set. */
uint32_t policy_action(struct policy policy, uint32_t condition);
/* Whether the action ends the process. */
static inline bool policy_action_kills(uint32_t action) {
    return action == ZX_POL_ACTION_KILL || (action & ZX_POL_ACTION_EXCEPTION);
}
/* For the log. */
const char* policy_condition_name(uint32_t condition);

/* Adds `count` entries, of which a later one counts before an earlier one. All or nothing:
 * NOT_SUPPORTED: an unknown condition or action. ALREADY_EXISTS: `is_absolute`, and a condition was
 * set to another action before the call. */
MUST_CHECK zx_status_t policy_add(struct policy* policy, bool is_absolute,
                                  const zx_policy_basic_t* entries, uint32_t count);
