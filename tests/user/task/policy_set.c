/* job_set_policy: its errors, and what was set before. */
#include "policy_fixture.h"

#include <magenta/syscalls.h>
#include <magenta/syscalls/policy.h>
#include <objects.h>
#include <test.h>
#include <zircon/process.h>

/* One generation's spelling. */
struct generation {
    zx_status_t (*set)(zx_handle_t, uint32_t, uint32_t, const void*, uint32_t);
};
static const struct generation zx = {zx_job_set_policy};
static const struct generation mx = {mx_job_set_policy};

/* --- errors ----------------------------------------------------------------------------------- */

/* The job has no policy on events yet: one may still be set. */
static void expect_not_set(zx_handle_t job) {
    EXPECT_OK(set_absolute(job, ZX_POL_NEW_EVENT, ALLOW));
    EXPECT_OK(zx_handle_close(job));
}

static const zx_policy_basic_t no_events[ZX_POL_MAX + 1] = {{ZX_POL_NEW_EVENT, DENY}};

TEST_BOTH(job_set_policy, unknown_options_are_invalid_args_before_the_handle) {
    static const uint32_t unknown[] = {2, 3, 0x80000000, UINT32_MAX};
    zx_handle_t job = create_job(zx_job_default());
    for (size_t i = 0; i < countof(unknown); i++) {
        EXPECT_STATUS(generation->set(job, unknown[i], 0, no_events, 1), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->set(stale_handle(), unknown[i], 0, NULL, 100),
                      ZX_ERR_INVALID_ARGS);
    }
    CHECK(expect_not_set(job));
}

TEST_BOTH(job_set_policy, unknown_topics_are_invalid_args_before_the_handle) {
    static const uint32_t unknown[] = {1, 2, 0x80000000, UINT32_MAX};
    zx_handle_t job = create_job(zx_job_default());
    for (size_t i = 0; i < countof(unknown); i++) {
        EXPECT_STATUS(generation->set(job, 0, unknown[i], no_events, 1), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->set(stale_handle(), 0, unknown[i], NULL, 100),
                      ZX_ERR_INVALID_ARGS);
    }
    CHECK(expect_not_set(job));
}

TEST_BOTH(job_set_policy, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(generation->set(0, 0, 0, no_events, 1), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(generation->set(stale_handle(), 0, 0, no_events, 1), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(generation->set(stale_handle(), 0, 0, NULL, 100), ZX_ERR_BAD_HANDLE);
}

TEST_BOTH(job_set_policy, other_object_is_wrong_type) {
    EXPECT_STATUS(generation->set(zx_process_self(), 0, 0, no_events, 1), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(generation->set(zx_process_self(), 0, 0, NULL, 100), ZX_ERR_WRONG_TYPE);
}

TEST_BOTH(job_set_policy, missing_set_policy_right_is_access_denied) {
    zx_handle_t job = create_job(zx_job_default());
    zx_handle_t poor = duplicate_without(job, ZX_RIGHT_SET_POLICY);
    EXPECT(handle_rights(job) & ZX_RIGHT_SET_POLICY);
    EXPECT_STATUS(generation->set(poor, 0, 0, no_events, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(generation->set(poor, 0, 0, NULL, 100), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_handle_close(poor));
    CHECK(expect_not_set(job));
}

TEST_BOTH(job_set_policy, more_entries_than_conditions_are_out_of_range_before_the_pointer) {
    zx_handle_t job = create_job(zx_job_default());
    EXPECT_STATUS(generation->set(job, 0, 0, no_events, ZX_POL_MAX + 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(generation->set(job, 0, 0, NULL, UINT32_MAX), ZX_ERR_OUT_OF_RANGE);
    CHECK(expect_not_set(job));
}

TEST_BOTH(job_set_policy, as_many_entries_as_conditions_are_set) {
    zx_handle_t job = create_job(zx_job_default());
    EXPECT_OK(generation->set(job, 0, 0, no_events, ZX_POL_MAX));
    EXPECT_STATUS(set_absolute(job, ZX_POL_NEW_EVENT, ALLOW), ZX_ERR_ALREADY_EXISTS);
    EXPECT_OK(zx_handle_close(job));
}

TEST_BOTH(job_set_policy, no_entries_are_invalid_args) {
    zx_handle_t job = create_job(zx_job_default());
    EXPECT_STATUS(generation->set(job, 0, 0, no_events, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->set(job, 0, 0, NULL, 0), ZX_ERR_INVALID_ARGS);
    CHECK(expect_not_set(job));
}

TEST_BOTH(job_set_policy, bad_entries_pointer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    zx_handle_t job = create_job(zx_job_default());
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        EXPECT_STATUS(generation->set(job, 0, 0, bad[i], 1), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->set(job, 0, 0, bad[i], ZX_POL_MAX), ZX_ERR_INVALID_ARGS);
    }
    CHECK(expect_not_set(job));
}

/* One entry that is not known, and none counts. */
TEST_BOTH(job_set_policy, unknown_entries_are_not_supported_and_change_nothing) {
    static const uint32_t actions[] = {4, 6, 7, 8, 13, UINT32_MAX};
    zx_handle_t job = create_job(zx_job_default());
    for (size_t i = 0; i < countof(actions) + 2; i++) {
        zx_policy_basic_t policy[] = {{ZX_POL_NEW_EVENT, DENY}, {ZX_POL_NEW_VMO, DENY}};
        if (i < countof(actions))
            policy[1].policy = actions[i];
        else
            policy[1].condition = i == countof(actions) ? ZX_POL_MAX : UINT32_MAX;
        for (uint32_t options = 0; options < 2; options++)
            EXPECT_STATUS(generation->set(job, options, 0, policy, 2), ZX_ERR_NOT_SUPPORTED);
    }
    CHECK(expect_not_set(job));
}

TEST_BOTH(job_set_policy, a_job_with_a_job_is_bad_state) {
    zx_handle_t job = create_job(zx_job_default());
    zx_handle_t inner = create_job(job);
    EXPECT_STATUS(generation->set(job, 0, 0, no_events, 1), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_handle_close(inner));
    CHECK(expect_not_set(job));
}

TEST_BOTH(job_set_policy, a_job_with_a_process_is_bad_state) {
    zx_handle_t job = create_job(zx_job_default()), process, vmar;
    EXPECT_OK(zx_process_create(job, "p", 1, 0, &process, &vmar));
    EXPECT_STATUS(generation->set(job, 0, 0, no_events, 1), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_task_kill(process));
    EXPECT(wait_for(job, ZX_JOB_NO_PROCESSES, PATIENCE));
    EXPECT_OK(zx_handle_close(process));
    EXPECT_OK(zx_handle_close(vmar));
    CHECK(expect_not_set(job));
}

/* --- what was set before ---------------------------------------------------------------------- */

/* Looks at a job in which events are denied, and at one whose parent denies them. */
static void expect_of_set(void (*look)(zx_handle_t job)) {
    zx_handle_t outer = create_job_with(ZX_POL_NEW_EVENT, DENY);
    zx_handle_t inner = create_job(outer);
    EXPECT(outer && inner);
    CHECK(look(inner));
    EXPECT_OK(zx_handle_close(inner));
    CHECK(look(outer));
    EXPECT_OK(zx_handle_close(outer));
}

static void look_at_repetition(zx_handle_t job) {
    EXPECT_OK(set_absolute(job, ZX_POL_NEW_EVENT, DENY));
}
TEST(job_set_policy, the_same_action_again_is_ok) {
    CHECK(expect_of_set(look_at_repetition));
}

static void look_at_conflict(zx_handle_t job) {
    EXPECT_STATUS(set_absolute(job, ZX_POL_NEW_EVENT, ALLOW), ZX_ERR_ALREADY_EXISTS);
    EXPECT_STATUS(set_absolute(job, ZX_POL_NEW_EVENT, KILL), ZX_ERR_ALREADY_EXISTS);
    EXPECT_STATUS(set_absolute(job, ZX_POL_NEW_ANY, ALLOW), ZX_ERR_ALREADY_EXISTS);
    EXPECT_OK(set_absolute(job, ZX_POL_NEW_EVENT, DENY)); /* as it was */
}
TEST(job_set_policy, another_action_is_already_exists_and_what_was_set_stays) {
    CHECK(expect_of_set(look_at_conflict));
}

static void look_at_entries(zx_handle_t job) {
    const zx_policy_basic_t both[] = {{ZX_POL_NEW_VMO, DENY}, {ZX_POL_NEW_EVENT, ALLOW}};
    EXPECT_STATUS(zx_job_set_policy(job, ZX_JOB_POL_ABSOLUTE, 0, both, 2), ZX_ERR_ALREADY_EXISTS);
    EXPECT_OK(set_absolute(job, ZX_POL_NEW_VMO, ALLOW));
}
TEST(job_set_policy, an_entry_before_a_conflict_is_not_set) {
    CHECK(expect_of_set(look_at_entries));
}

static void look_at_relative(zx_handle_t job) {
    EXPECT_OK(set_policy(job, ZX_JOB_POL_RELATIVE, ZX_POL_NEW_EVENT, ALLOW));
    EXPECT_OK(set_policy(job, ZX_JOB_POL_RELATIVE, ZX_POL_NEW_EVENT, KILL));
    EXPECT_OK(set_absolute(job, ZX_POL_NEW_EVENT, DENY)); /* as it was */
}
TEST(job_set_policy, a_relative_entry_in_conflict_is_passed_over) {
    CHECK(expect_of_set(look_at_relative));
}

/* Of anything new, events are set already. */
static void look_at_part(zx_handle_t job) {
    EXPECT_OK(set_policy(job, ZX_JOB_POL_RELATIVE, ZX_POL_NEW_ANY, ALLOW));
    EXPECT_OK(set_absolute(job, ZX_POL_NEW_EVENT, DENY)); /* as it was */
    EXPECT_OK(set_absolute(job, ZX_POL_NEW_SOCKET, ALLOW));
    EXPECT_STATUS(set_absolute(job, ZX_POL_NEW_SOCKET, DENY), ZX_ERR_ALREADY_EXISTS);
}
TEST(job_set_policy, of_a_relative_entry_the_part_without_conflict_is_set) {
    CHECK(expect_of_set(look_at_part));
}
