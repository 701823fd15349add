/* Calls from one process to another, and processes that die in the middle. */
#include "fixture.h"

#include <helper.h>
#include <stdlib.h>

#define CALLS 500

/* Replies to every letter with its word + 1, and sends back all that came with it. */
HELPER(call_server) {
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES];
    zx_handle_t handles[CARGO_MAX];
    uint32_t size, count;
    while (channel_receive(channel, bytes, sizeof(bytes), &size, handles, CARGO_MAX, &count) ==
           ZX_OK) {
        ((struct letter*)bytes)->word++;
        if (zx_channel_write(channel, 0, bytes, size, handles, count) != ZX_OK)
            return 1;
    }
    return 0;
}

TEST_BOTH(channel_call, a_server_in_another_process_replies) {
    struct helper helper;
    CHECK(helper_start(&helper, "call_server"));
    for (uint32_t i = 0; i < CALLS; i++) {
        struct call call;
        call_init(&call, generation, helper.channel, i);
        call_run(&call);
        CHECK(call_expect_answer(&call, i + 1));
    }
    CHECK(helper_hang_up(&helper, 0));
}

TEST_BOTH(channel_call, handles_cross_and_come_back) {
    struct helper helper;
    struct cargo cargo;
    struct call call;
    CHECK(helper_start(&helper, "call_server"));
    CHECK(cargo_create(&cargo, CARGO_MAX));
    call_init(&call, generation, helper.channel, 1);
    call.args.wr_handles = cargo.handles;
    call.args.wr_num_handles = CARGO_MAX;
    call.args.rd_handles = call.reply_handles;
    call.args.rd_num_handles = CARGO_MAX;
    call_run(&call);
    EXPECT_OK(call.status);
    EXPECT_EQUAL(call.actual_handles, CARGO_MAX);
    memcpy(cargo.handles, call.reply_handles, sizeof(call.reply_handles));
    CHECK(cargo_expect_kept(&cargo));
    cargo_destroy(&cargo);
    CHECK(helper_hang_up(&helper, 0));
}

/* Takes what comes, reports that, which is no reply, and never replies. */
HELPER(silent_server) {
    struct letter letter;
    zx_handle_t handles[CARGO_MAX];
    channel_receive(channel, &letter, sizeof(letter), NULL, handles, CARGO_MAX, NULL);
    helper_report_ready(channel);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

static void let_server_die(const struct generation* generation) {
    struct helper helper;
    struct cargo cargo;
    struct call call;
    int64_t code;
    CHECK(helper_start(&helper, "silent_server"));
    CHECK(cargo_create(&cargo, CARGO_MAX));
    call_init(&call, generation, helper.channel, 1);
    call.args.wr_handles = cargo.handles;
    call.args.wr_num_handles = CARGO_MAX;
    EXPECT_EQUAL(thrd_create(&call.thread, call_thread, &call), thrd_success);
    EXPECT(wait_for(helper.channel, ZX_CHANNEL_READABLE, ZX_SEC(60)));
    CHECK(cargo_expect_travelling(&cargo));
    EXPECT(!atomic_load(&call.is_done));
    EXPECT_OK(zx_task_kill(helper.process));
    CHECK(call_join(&call));
    CHECK(call_expect_read_failure(&call, ZX_ERR_PEER_CLOSED));
    EXPECT_OK(helper_wait(&helper, &code));
    CHECK(cargo_expect_discarded(&cargo));
    cargo_destroy(&cargo);
    helper_close(&helper);
}

TEST_BOTH(channel_call, a_server_that_dies_in_a_call_is_peer_closed) {
    CHECK(let_server_die(generation)); /* the first thread leaves its stack for the next one */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(let_server_die(generation));
    CHECK(expect_no_leak(&before, 16));
}

/* Calls, and gets no reply. */
static int call_for_ever(const struct generation* generation, zx_handle_t channel) {
    struct call call;
    call_init(&call, generation, channel, 1);
    zx_event_create(0, &call.sent_handles[0]);
    call.args.wr_handles = call.sent_handles;
    call.args.wr_num_handles = 1;
    call_run(&call);
    return 0;
}

HELPER(zx_client) {
    return call_for_ever(&zx, channel);
}
HELPER(mx_client) {
    return call_for_ever(&mx, channel);
}

/* The reply to a killed caller is refused, and all handles in it are released. */
TEST_BOTH(channel_call, a_client_killed_in_a_call_is_gone) {
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 3; i++) {
        struct helper helper;
        struct cargo cargo;
        struct letter letter;
        zx_handle_t event;
        CHECK(helper_start(&helper, generation == &zx ? "zx_client" : "mx_client"));
        EXPECT_OK(channel_receive(helper.channel, &letter, sizeof(letter), NULL, &event, 1, NULL));
        sleep_for(ZX_MSEC(5));
        CHECK(helper_kill(&helper));
        EXPECT_EQUAL(object_signals(helper.channel), ZX_CHANNEL_PEER_CLOSED);
        EXPECT_EQUAL(object_handle_count(event), 1);
        CHECK(cargo_create(&cargo, 3));
        EXPECT_STATUS(
            zx_channel_write(helper.channel, 0, &letter, sizeof(letter), cargo.handles, 3),
            ZX_ERR_PEER_CLOSED);
        CHECK(cargo_expect_discarded(&cargo));
        cargo_destroy(&cargo);
        EXPECT_OK(zx_handle_close(event));
        helper_close(&helper);
    }
    CHECK(expect_no_leak(&before, 16));
}

/* The reply and the kill at the same moment: whichever is first, nothing is left behind. */
TEST_BOTH(channel_call, a_client_killed_during_the_reply_leaves_nothing) {
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 10; i++) {
        struct helper helper;
        struct cargo cargo;
        struct letter letter;
        zx_handle_t event;
        int64_t code;
        CHECK(helper_start(&helper, generation == &zx ? "zx_client" : "mx_client"));
        EXPECT_OK(channel_receive(helper.channel, &letter, sizeof(letter), NULL, &event, 1, NULL));
        CHECK(cargo_create(&cargo, CARGO_MAX));
        if (i % 2)
            sleep_for(ZX_MSEC(1));
        if (i % 3 == 0)
            EXPECT_OK(zx_task_kill(helper.process));
        zx_channel_write(helper.channel, 0, &letter, sizeof(letter), cargo.handles, CARGO_MAX);
        EXPECT_OK(zx_task_kill(helper.process));
        EXPECT_OK(helper_wait(&helper, &code));
        CHECK(cargo_expect_discarded(&cargo));
        cargo_destroy(&cargo);
        EXPECT_OK(zx_handle_close(event));
        helper_close(&helper);
    }
    CHECK(expect_no_leak(&before, 16));
}
