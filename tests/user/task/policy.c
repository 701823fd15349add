/* Policies of jobs: what each condition does, in the job itself and in those below. */
#include "policy_fixture.h"

#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <magenta/syscalls/msgpipe.h>
#include <magenta/syscalls/policy.h>
#include <zircon/process.h>

/* What a helper is asked to do. */
static zx_status_t make_event(void) {
    zx_handle_t handle;
    return zx_event_create(0, &handle);
}
static zx_status_t make_event_pair(void) {
    zx_handle_t handles[2];
    return zx_eventpair_create(0, &handles[0], &handles[1]);
}
static zx_status_t make_channel(void) {
    zx_handle_t handles[2];
    return zx_channel_create(0, &handles[0], &handles[1]);
}
static zx_status_t make_message_pipe(void) {
    zx_handle_t handles[2];
    return mx_msgpipe_create(handles, 0);
}
static zx_status_t make_socket(void) {
    zx_handle_t handles[2];
    return zx_socket_create(0, &handles[0], &handles[1]);
}
static zx_status_t make_data_pipe(void) {
    zx_handle_t consumer;
    zx_handle_t producer = mx_datapipe_create(0, 1, 4096, &consumer);
    return producer > 0 ? ZX_OK : producer;
}
static zx_status_t make_vmo(void) {
    zx_handle_t handle;
    return zx_vmo_create(PAGE_SIZE_BYTES, 0, &handle);
}
static zx_status_t make_process(void) {
    zx_handle_t process, vmar;
    return zx_process_create(zx_job_default(), "p", 1, 0, &process, &vmar);
}
static zx_handle_t given_vmo; /* read, write and execute */
static zx_status_t map_write_execute(void) {
    zx_vaddr_t address;
    return zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE,
                       0, given_vmo, 0, PAGE_SIZE_BYTES, &address);
}
static zx_status_t protect_write_execute(void) {
    zx_vaddr_t address;
    zx_status_t status = zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0,
                                     given_vmo, 0, PAGE_SIZE_BYTES, &address);
    if (status != ZX_OK)
        return 1;
    return zx_vmar_protect(zx_vmar_root_self(),
                           ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE, address,
                           PAGE_SIZE_BYTES);
}
#define WRITE_EXECUTE_2016 (MX_VM_FLAG_PERM_READ | MX_VM_FLAG_PERM_WRITE | MX_VM_FLAG_PERM_EXECUTE)
static zx_status_t map_vm_write_execute(void) {
    uintptr_t address = 0;
    return mx_process_map_vm(zx_process_self(), given_vmo, 0, PAGE_SIZE_BYTES, &address,
                             WRITE_EXECUTE_2016);
}
static zx_status_t protect_vm_write_execute(void) {
    uintptr_t address = 0;
    if (mx_process_map_vm(zx_process_self(), given_vmo, 0, PAGE_SIZE_BYTES, &address,
                          MX_VM_FLAG_PERM_READ) != ZX_OK)
        return 1;
    return mx_process_protect_vm(zx_process_self(), address, PAGE_SIZE_BYTES, WRITE_EXECUTE_2016);
}

static const struct deed {
    zx_status_t (*act)(void);
    uint32_t condition;
    zx_status_t by_default;
} deeds[] = {
    {make_event, ZX_POL_NEW_EVENT, ZX_OK},
    {make_event_pair, ZX_POL_NEW_EVENTPAIR, ZX_OK},
    {make_channel, ZX_POL_NEW_CHANNEL, ZX_OK},
    {make_message_pipe, ZX_POL_NEW_CHANNEL, ZX_OK},
    {make_socket, ZX_POL_NEW_SOCKET, ZX_OK},
    {make_data_pipe, ZX_POL_NEW_ANY, ZX_OK},
    {make_vmo, ZX_POL_NEW_VMO, ZX_OK},
    {make_process, ZX_POL_NEW_PROCESS, ZX_OK},
    {map_write_execute, ZX_POL_VMAR_WX, ZX_ERR_ACCESS_DENIED},
    {protect_write_execute, ZX_POL_VMAR_WX, ZX_ERR_ACCESS_DENIED},
    {map_vm_write_execute, ZX_POL_VMAR_WX, ZX_ERR_ACCESS_DENIED},
    {protect_vm_write_execute, ZX_POL_VMAR_WX, ZX_ERR_ACCESS_DENIED},
};

/* Does the deeds whose numbers it receives, and sends back the status of each. */
HELPER(does_deeds) {
    uint32_t number;
    while (channel_receive(channel, &number, sizeof(number), NULL, &given_vmo, 1, NULL) == ZX_OK) {
        zx_status_t status = deeds[number].act();
        zx_channel_write(channel, 0, &status, sizeof(status), NULL, 0);
    }
    return 0;
}

static zx_handle_t executable_vmo(void) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    zx_vmo_create(PAGE_SIZE_BYTES, 0, &vmo);
    return vmo;
}

static void start_in(struct helper* helper, zx_handle_t job) {
    EXPECT_OK(helper_start_in(helper, "does_deeds", job));
}

TEST(job_policy, without_one_all_is_allowed_but_write_and_execute) {
    zx_handle_t job = create_job(zx_job_default());
    struct helper helper;
    CHECK(start_in(&helper, job));
    for (uint32_t i = 0; i < countof(deeds); i++)
        EXPECT_STATUS(have_done(&helper, i, executable_vmo()), deeds[i].by_default);
    CHECK(helper_hang_up(&helper, 0));
    EXPECT_OK(zx_handle_close(job));
    EXPECT_STATUS((given_vmo = executable_vmo(), map_write_execute()), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_handle_close(given_vmo));
}

/* Each condition alone, in the job itself and in one below: the others are as ever. */
static void action_row(uint32_t action, bool is_inherited) {
    for (uint32_t which = 0; which < countof(deeds); which++) {
        if (deeds[which].condition == ZX_POL_NEW_ANY)
            continue;
        zx_handle_t outer = create_job_with(deeds[which].condition, action);
        zx_handle_t job = is_inherited ? create_job(outer) : duplicate(outer);
        struct helper helper;
        CHECK(start_in(&helper, job));
        for (uint32_t i = 0; i < countof(deeds); i++) {
            bool is_meant = deeds[i].condition == deeds[which].condition;
            zx_status_t expected = action == ALLOW ? ZX_OK : ZX_ERR_ACCESS_DENIED;
            EXPECT_STATUS(have_done(&helper, i, executable_vmo()),
                          is_meant ? expected : deeds[i].by_default);
        }
        CHECK(helper_hang_up(&helper, 0));
        EXPECT_OK(zx_handle_close(job));
        EXPECT_OK(zx_handle_close(outer));
    }
}

TEST(job_policy, deny_is_access_denied) {
    CHECK(action_row(DENY, false));
}
TEST(job_policy, deny_counts_in_jobs_below) {
    CHECK(action_row(DENY, true));
}
TEST(job_policy, allow_allows_write_and_execute_too) {
    CHECK(action_row(ALLOW, false));
}
TEST(job_policy, allow_counts_in_jobs_below) {
    CHECK(action_row(ALLOW, true));
}

TEST(job_policy, of_anything_new_stands_for_all_of_it) {
    zx_handle_t job = create_job(zx_job_default());
    /* A later entry counts before an earlier one. */
    const zx_policy_basic_t policy[] = {{ZX_POL_NEW_ANY, DENY}, {ZX_POL_NEW_EVENT, ALLOW}};
    EXPECT_OK(zx_job_set_policy(job, ZX_JOB_POL_ABSOLUTE, 0, policy, 2));
    struct helper helper;
    CHECK(start_in(&helper, job));
    for (uint32_t i = 0; i < countof(deeds); i++)
        EXPECT_STATUS(have_done(&helper, i, executable_vmo()),
                      deeds[i].condition == ZX_POL_NEW_EVENT ? ZX_OK : ZX_ERR_ACCESS_DENIED);
    CHECK(helper_hang_up(&helper, 0));
    EXPECT_OK(zx_handle_close(job));
}

/* KILL, and as long as nobody takes exceptions, EXCEPTION with either. */
static void kill_row(uint32_t action) {
    for (uint32_t which = 0; which < countof(deeds); which++) {
        zx_handle_t job = create_job_with(deeds[which].condition, action);
        struct helper helper;
        CHECK(start_in(&helper, job));
        EXPECT_STATUS(have_done(&helper, which, executable_vmo()), ZX_ERR_PEER_CLOSED);
        CHECK(expect_ended_by_policy(&helper));
        EXPECT_OK(zx_handle_close(job));
    }
}

TEST(job_policy, kill_ends_the_process) {
    CHECK(kill_row(KILL));
}
TEST(job_policy, an_exception_ends_the_process) {
    CHECK(kill_row(EXCEPTION));
    CHECK(kill_row(EXCEPTION | DENY));
}

/* The default is not set: a job below may loosen it, but not once the parent has set it. */
TEST(job_policy, write_and_execute_can_be_allowed_unless_the_parent_denies_it) {
    zx_handle_t outer = create_job_with(ZX_POL_VMAR_WX, DENY);
    zx_handle_t inner = create_job(outer);
    EXPECT_STATUS(set_absolute(inner, ZX_POL_VMAR_WX, ALLOW), ZX_ERR_ALREADY_EXISTS);
    EXPECT_OK(set_policy(inner, ZX_JOB_POL_RELATIVE, ZX_POL_VMAR_WX, ALLOW));
    struct helper helper;
    CHECK(start_in(&helper, inner));
    for (uint32_t i = 0; i < countof(deeds); i++)
        EXPECT_STATUS(have_done(&helper, i, executable_vmo()), deeds[i].by_default);
    CHECK(helper_hang_up(&helper, 0));
    EXPECT_OK(zx_handle_close(inner));
    EXPECT_OK(zx_handle_close(outer));
}
