#include <task/policy.h>

#include <abi/errors.h>

#define BITS_EACH 4u
#define POLICY_IS_SET 8u
_Static_assert(ZX_POL_MAX* BITS_EACH <= 64, "every condition has its place");

static uint32_t field_of(struct policy policy, uint32_t condition) {
    return policy.actions >> (condition * BITS_EACH) & (POLICY_IS_SET | 7u);
}

uint32_t policy_action(struct policy policy, uint32_t condition) {
    uint32_t field = field_of(policy, condition);
    if (field & POLICY_IS_SET)
        return field & ~POLICY_IS_SET;
    return condition == ZX_POL_VMAR_WX ? ZX_POL_ACTION_DENY : ZX_POL_ACTION_ALLOW;
}

const char* policy_condition_name(uint32_t condition) {
    static const char* const names[ZX_POL_MAX] = {
        [ZX_POL_BAD_HANDLE] = "bad handles",    [ZX_POL_WRONG_OBJECT] = "wrong objects",
        [ZX_POL_VMAR_WX] = "write and execute", [ZX_POL_NEW_ANY] = "new objects",
        [ZX_POL_NEW_VMO] = "new VMOs",          [ZX_POL_NEW_CHANNEL] = "new channels",
        [ZX_POL_NEW_EVENT] = "new events",      [ZX_POL_NEW_EVENTPAIR] = "new event pairs",
        [ZX_POL_NEW_PORT] = "new ports",        [ZX_POL_NEW_SOCKET] = "new sockets",
        [ZX_POL_NEW_FIFO] = "new fifos",        [ZX_POL_NEW_TIMER] = "new timers",
        [ZX_POL_NEW_PROCESS] = "new processes",
    };
    return names[condition];
}

static bool action_is_known(uint32_t action) {
    return action <= (ZX_POL_ACTION_DENY | ZX_POL_ACTION_EXCEPTION) || action == ZX_POL_ACTION_KILL;
}

/* `before` is the policy before the call. Only conditions that are set in `before` cannot be
 * changed. */
static zx_status_t add_one(struct policy* policy, struct policy before, bool is_absolute,
                           uint32_t condition, uint32_t action) {
    uint32_t present = field_of(before, condition), wanted = action | POLICY_IS_SET;
    if (present & POLICY_IS_SET)
        return is_absolute && present != wanted ? ZX_ERR_ALREADY_EXISTS : ZX_OK;
    uint32_t shift = condition * BITS_EACH;
    policy->actions &= ~((uint64_t)(POLICY_IS_SET | 7u) << shift);
    policy->actions |= (uint64_t)wanted << shift;
    return ZX_OK;
}

zx_status_t policy_add(struct policy* policy, bool is_absolute, const zx_policy_basic_t* entries,
                       uint32_t count) {
    const struct policy before = *policy;
    struct policy after = before;
    for (uint32_t i = 0; i < count; i++)
        if (entries[i].condition >= ZX_POL_MAX || !action_is_known(entries[i].policy))
            return ZX_ERR_NOT_SUPPORTED;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first = entries[i].condition;
        uint32_t last = first == ZX_POL_NEW_ANY ? ZX_POL_MAX - 1 : first;
        for (uint32_t condition = first; condition <= last; condition++) {
            zx_status_t status = add_one(&after, before, is_absolute, condition, entries[i].policy);
            if (status != ZX_OK)
                return status;
        }
    }
    *policy = after;
    return ZX_OK;
}
