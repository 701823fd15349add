#include "helper.h"
#include "call_notes.h"
#include "test.h"

#include <jacinth/launch.h>
#include <stdio.h>

#define HELPER_PATIENCE ZX_SEC(60)

extern const struct helper_role __start_helper_roles[] __attribute__((__weak__));
extern const struct helper_role __stop_helper_roles[] __attribute__((__weak__));

static const char* program_path;

void helper_set_program(const char* path) {
    program_path = path;
}

int helper_run(const char* role) {
    call_notes_join(bootstrap_take(CALL_NOTES_INFO));
    zx_handle_t channel = bootstrap_take(HELPER_CHANNEL_INFO);
    for (const struct helper_role* entry = __start_helper_roles; entry < __stop_helper_roles;
         entry++) {
        if (strcmp(entry->name, role) != 0)
            continue;
        int result = entry->function(channel);
        return test_has_failed() ? -1 : result;
    }
    fprintf(stderr, "helper: no role %s\n", role);
    return -1;
}

static zx_status_t launch_self(struct helper* helper, const char* role, zx_handle_t job,
                               zx_handle_t its_end) {
    static const uint32_t shared[] = {BOOTSTRAP_RESOURCE, BOOTSTRAP_BOOTFS, BOOTSTRAP_JOB};
    char argument[64];
    snprintf(argument, sizeof(argument), HELPER_ARGUMENT "%s", role);
    const char* arguments[] = {program_path, argument};
    struct launch_handle handles[countof(shared) + 2] = {{HELPER_CHANNEL_INFO, its_end},
                                                         {CALL_NOTES_INFO, call_notes_duplicate()}};
    for (size_t i = 0; i < countof(shared); i++) {
        handles[i + 2].info = shared[i];
        zx_handle_duplicate(bootstrap_borrow(shared[i]), ZX_RIGHT_SAME_RIGHTS,
                            &handles[i + 2].handle);
    }
    struct launch_request request = {
        .path = program_path,
        .arguments = arguments,
        .argument_count = countof(arguments),
        .handles = handles,
        .handle_count = countof(handles),
        .job = job,
    };
    return launch(&request, &helper->process);
}

void helper_start(struct helper* helper, const char* role) {
    zx_handle_t its_end;
    EXPECT_OK(zx_channel_create(0, &helper->channel, &its_end));
    EXPECT_OK(launch_self(helper, role, ZX_HANDLE_INVALID, its_end));
}

zx_status_t helper_start_in(struct helper* helper, const char* role, zx_handle_t job) {
    zx_handle_t its_end;
    zx_status_t status = zx_channel_create(0, &helper->channel, &its_end);
    if (status != ZX_OK)
        return status;
    status = launch_self(helper, role, job, its_end);
    if (status != ZX_OK)
        zx_handle_close(helper->channel);
    return status;
}

zx_status_t helper_wait(const struct helper* helper, int64_t* return_code) {
    zx_status_t status = zx_object_wait_one(helper->process, ZX_PROCESS_TERMINATED,
                                            zx_clock_get_monotonic() + HELPER_PATIENCE, NULL);
    zx_info_process_t info;
    if (status == ZX_OK)
        status =
            zx_object_get_info(helper->process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    if (status == ZX_OK)
        *return_code = info.return_code;
    return status;
}

void helper_close(struct helper* helper) {
    zx_handle_close(helper->process);
    zx_handle_close(helper->channel);
}

void helper_finish(struct helper* helper, int64_t expected) {
    int64_t return_code;
    zx_status_t status = helper_wait(helper, &return_code);
    helper_close(helper);
    EXPECT_OK(status);
    EXPECT_EQUAL(return_code, expected);
}

void helper_hang_up(struct helper* helper, int64_t expected) {
    EXPECT_OK(zx_handle_close(helper->channel));
    helper->channel = ZX_HANDLE_INVALID;
    helper_finish(helper, expected);
}

void helper_kill(const struct helper* helper) {
    int64_t return_code;
    EXPECT_OK(zx_task_kill(helper->process));
    EXPECT_OK(helper_wait(helper, &return_code));
    EXPECT_EQUAL(return_code, ZX_ERR_CANCELED);
}

void helper_report_ready(zx_handle_t channel) {
    zx_channel_write(channel, 0, NULL, 0, NULL, 0);
}

void helper_wait_until_ready(const struct helper* helper) {
    EXPECT_OK(channel_receive(helper->channel, NULL, 0, NULL, NULL, 0, NULL));
}

zx_status_t channel_receive(zx_handle_t channel, void* bytes, uint32_t size, uint32_t* actual,
                            zx_handle_t* handles, uint32_t room, uint32_t* actual_handles) {
    uint32_t ignored;
    zx_status_t status = zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED,
                                            zx_clock_get_monotonic() + HELPER_PATIENCE, NULL);
    if (status != ZX_OK)
        return status;
    return zx_channel_read(channel, 0, bytes, handles, size, room, actual ? actual : &ignored,
                           actual_handles ? actual_handles : &ignored);
}
