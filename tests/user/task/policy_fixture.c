#include "policy_fixture.h"

#include <objects.h>
#include <test.h>
#include <zircon/process.h>

#define POLICY_KILLED (-1025)

zx_handle_t create_job(zx_handle_t parent) {
    zx_handle_t job = ZX_HANDLE_INVALID;
    zx_job_create(parent, 0, &job);
    return job;
}

zx_status_t set_policy(zx_handle_t job, uint32_t options, uint32_t condition, uint32_t action) {
    const zx_policy_basic_t policy = {condition, action};
    return zx_job_set_policy(job, options, ZX_JOB_POL_BASIC, &policy, 1);
}

zx_status_t set_absolute(zx_handle_t job, uint32_t condition, uint32_t action) {
    return set_policy(job, ZX_JOB_POL_ABSOLUTE, condition, action);
}

zx_handle_t create_job_with(uint32_t condition, uint32_t action) {
    zx_handle_t job = create_job(zx_job_default());
    if (set_absolute(job, condition, action) == ZX_OK)
        return job;
    zx_handle_close(job);
    return ZX_HANDLE_INVALID;
}

zx_status_t have_done(const struct helper* helper, uint32_t number, zx_handle_t handle) {
    zx_status_t returned = 1;
    zx_status_t status = zx_channel_write(helper->channel, 0, &number, sizeof(number), &handle,
                                          handle != ZX_HANDLE_INVALID);
    if (status == ZX_OK)
        status = channel_receive(helper->channel, &returned, sizeof(returned), NULL, NULL, 0, NULL);
    return status == ZX_OK ? returned : status;
}

void expect_ended_by_policy(struct helper* helper) {
    EXPECT(wait_for(helper->process, ZX_PROCESS_TERMINATED, PATIENCE));
    EXPECT_EQUAL(process_return_code(helper->process), POLICY_KILLED);
    EXPECT(object_signals(helper->channel) & ZX_CHANNEL_PEER_CLOSED);
    helper_close(helper);
}
