/* A process of very many threads that its job's policy ends. */
#include "policy_fixture.h"
#include "raw_thread.h"

#include <objects.h>
#include <test.h>

#include <zircon/process.h>

#define CROWD 1500
#define BAD_HANDLE 0x7ffffff7

static char stacks[CROWD][256] __attribute__((aligned(16)));

/* Is ended by its policy when it is asked to go on. */
HELPER(crowd_and_a_bad_handle) {
    char byte;
    for (int i = 0; i < CROWD; i++) {
        zx_handle_t handle;
        uintptr_t top = (uintptr_t)stacks[i] + sizeof(stacks[i]) - sizeof(uintptr_t);
        if (zx_thread_create(zx_process_self(), "crowd", 5, 0, &handle) != ZX_OK ||
            zx_thread_start(handle, (zx_vaddr_t)raw_sleep, top, 0, 0) != ZX_OK)
            return 1;
    }
    helper_report_ready(channel);
    channel_receive(channel, &byte, 1, NULL, NULL, 0, NULL);
    zx_handle_close(BAD_HANDLE);
    return 0;
}

TEST(job_policy, kill_ends_a_process_of_many_threads) {
    struct helper helper;
    zx_handle_t job = create_job_with(ZX_POL_BAD_HANDLE, KILL);
    EXPECT_OK(helper_start_in(&helper, "crowd_and_a_bad_handle", job));
    CHECK(helper_wait_until_ready(&helper));
    EXPECT_OK(zx_channel_write(helper.channel, 0, "x", 1, NULL, 0));
    CHECK(expect_ended_by_policy(&helper));
    EXPECT_OK(zx_handle_close(job));
}
