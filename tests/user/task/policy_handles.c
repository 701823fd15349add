/* Policies on bad handles and wrong objects. ALLOW and DENY make no difference: the call returns
 * its error. The others end the process. */
#include "policy_fixture.h"

#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <magenta/syscalls/msgpipe.h>
#include <zircon/process.h>

/* --- what is wrong, and what a process must be able to do ------------------------------------- */

static zx_handle_t event(void) {
    static zx_handle_t handle;
    if (handle == ZX_HANDLE_INVALID)
        zx_event_create(0, &handle);
    return handle;
}

static zx_status_t close_stale(void) {
    return zx_handle_close(stale_handle());
}
static zx_status_t mx_close_zero(void) {
    return mx_handle_close(0);
}
static zx_status_t close_stale_among_many(void) {
    const zx_handle_t handles[] = {0, stale_handle()};
    return zx_handle_close_many(handles, 2);
}
static zx_status_t duplicate_stale(void) {
    zx_handle_t out;
    return zx_handle_duplicate(stale_handle(), ZX_RIGHT_SAME_RIGHTS, &out);
}
static zx_status_t replace_stale(void) {
    zx_handle_t out;
    return zx_handle_replace(stale_handle(), ZX_RIGHT_SAME_RIGHTS, &out);
}
static zx_status_t wait_on_stale(void) {
    return zx_object_wait_one(stale_handle(), 0, 0, NULL);
}
static zx_status_t wait_on_stale_among_many(void) {
    zx_wait_item_t item = {stale_handle(), 0, 0};
    return zx_object_wait_many(&item, 1, 0);
}
static zx_status_t write_to_stale(void) {
    return zx_channel_write(stale_handle(), 0, "x", 1, NULL, 0);
}
static zx_status_t read_from_stale(void) {
    char byte;
    return zx_channel_read(stale_handle(), 0, &byte, NULL, 1, 0, NULL, NULL);
}
static zx_status_t send_stale(void) {
    zx_handle_t ends[2], stale = stale_handle();
    zx_channel_create(0, &ends[0], &ends[1]);
    return zx_channel_write(ends[0], 0, NULL, 0, &stale, 1);
}
static zx_status_t write_to_event(void) {
    return zx_channel_write(event(), 0, "x", 1, NULL, 0);
}
static zx_status_t read_from_event(void) {
    char byte;
    return zx_channel_read(event(), 0, &byte, NULL, 1, 0, NULL, NULL);
}
static zx_status_t kill_event(void) {
    return zx_task_kill(event());
}
static zx_status_t start_thread_in_event(void) {
    zx_handle_t out;
    return zx_thread_create(event(), "t", 1, 0, &out);
}
/* Nothing of these is a bad handle or a wrong object. */
static zx_status_t close_zero(void) {
    return zx_handle_close(0);
}
static zx_status_t use_without_right(void) {
    zx_handle_t poor = duplicate_without(event(), ZX_RIGHT_SIGNAL);
    return zx_object_signal(poor, 0, ZX_EVENT_SIGNALED);
}
static zx_status_t discard_a_zero(void) {
    const zx_handle_t handles[] = {0, 0};
    return zx_handle_close_many(handles, 2);
}

static const struct deed {
    zx_status_t (*act)(void);
    zx_status_t status;
} deeds[] = {
    {close_stale, ZX_ERR_BAD_HANDLE},
    {mx_close_zero, ZX_ERR_BAD_HANDLE},
    {close_stale_among_many, ZX_ERR_BAD_HANDLE},
    {duplicate_stale, ZX_ERR_BAD_HANDLE},
    {replace_stale, ZX_ERR_BAD_HANDLE},
    {wait_on_stale, ZX_ERR_BAD_HANDLE},
    {wait_on_stale_among_many, ZX_ERR_BAD_HANDLE},
    {write_to_stale, ZX_ERR_BAD_HANDLE},
    {read_from_stale, ZX_ERR_BAD_HANDLE},
    {send_stale, ZX_ERR_BAD_HANDLE},
    {write_to_event, ZX_ERR_WRONG_TYPE},
    {read_from_event, ZX_ERR_WRONG_TYPE},
    {kill_event, ZX_ERR_WRONG_TYPE},
    {start_thread_in_event, ZX_ERR_WRONG_TYPE},
    {close_zero, ZX_OK},
    {use_without_right, ZX_ERR_ACCESS_DENIED},
    {discard_a_zero, ZX_OK},
};

static uint32_t condition_of(zx_status_t status) {
    return status == ZX_ERR_BAD_HANDLE ? ZX_POL_BAD_HANDLE : ZX_POL_WRONG_OBJECT;
}

/* Does the deeds whose numbers it receives, and sends back the status of each. */
HELPER(does_wrong) {
    uint32_t number;
    while (channel_receive(channel, &number, sizeof(number), NULL, NULL, 0, NULL) == ZX_OK) {
        zx_status_t status = deeds[number].act();
        zx_channel_write(channel, 0, &status, sizeof(status), NULL, 0);
    }
    return 0;
}

static void returns_row(uint32_t condition, uint32_t action) {
    zx_handle_t job = create_job_with(condition, action);
    struct helper helper;
    EXPECT_OK(helper_start_in(&helper, "does_wrong", job));
    for (uint32_t i = 0; i < countof(deeds); i++)
        EXPECT_STATUS(have_done(&helper, i, ZX_HANDLE_INVALID), deeds[i].status);
    CHECK(helper_hang_up(&helper, 0));
    EXPECT_OK(zx_handle_close(job));
}

TEST(job_policy, allow_and_deny_of_bad_handles_return_the_error) {
    CHECK(returns_row(ZX_POL_BAD_HANDLE, ALLOW));
    CHECK(returns_row(ZX_POL_BAD_HANDLE, DENY));
}
TEST(job_policy, allow_and_deny_of_wrong_objects_return_the_error) {
    CHECK(returns_row(ZX_POL_WRONG_OBJECT, ALLOW));
    CHECK(returns_row(ZX_POL_WRONG_OBJECT, DENY));
}

/* A fresh process for each deed that is meant; one for all others, which must come through. */
static void kill_row(uint32_t condition, uint32_t action) {
    zx_handle_t job = create_job_with(condition, action);
    struct helper patient;
    EXPECT_OK(helper_start_in(&patient, "does_wrong", job));
    for (uint32_t i = 0; i < countof(deeds); i++) {
        zx_status_t status = deeds[i].status;
        bool is_fault = status == ZX_ERR_BAD_HANDLE || status == ZX_ERR_WRONG_TYPE;
        if (!is_fault || condition_of(status) != condition) {
            EXPECT_STATUS(have_done(&patient, i, ZX_HANDLE_INVALID), status);
            continue;
        }
        struct helper helper;
        EXPECT_OK(helper_start_in(&helper, "does_wrong", job));
        EXPECT_STATUS(have_done(&helper, i, ZX_HANDLE_INVALID), ZX_ERR_PEER_CLOSED);
        CHECK(expect_ended_by_policy(&helper));
    }
    EXPECT(!process_has_ended(patient.process));
    CHECK(helper_hang_up(&patient, 0));
    EXPECT_OK(zx_handle_close(job));
}

TEST(job_policy, kill_for_bad_handles_ends_the_process) {
    CHECK(kill_row(ZX_POL_BAD_HANDLE, KILL));
}
TEST(job_policy, kill_for_wrong_objects_ends_the_process) {
    CHECK(kill_row(ZX_POL_WRONG_OBJECT, KILL));
}
TEST(job_policy, an_exception_for_bad_handles_ends_the_process) {
    CHECK(kill_row(ZX_POL_BAD_HANDLE, EXCEPTION));
}
