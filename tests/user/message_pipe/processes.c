/* Message pipes between two processes. */
#include "fixture.h"

#include <helper.h>
#include <stdlib.h>

/* Blocks until a message waits, then reads it. */
static mx_status_t receive(mx_handle_t pipe, void* bytes, uint32_t* size, mx_handle_t* handles,
                           uint32_t* count) {
    mx_status_t status =
        mx_handle_wait_one(pipe, MX_SIGNAL_READABLE | MX_SIGNAL_PEER_CLOSED, MX_SEC(60), NULL);
    return status == NO_ERROR ? mx_msgpipe_read(pipe, bytes, size, handles, count, 0) : status;
}

/* Gives the helper a pipe's end. */
static void start(struct helper* helper, const char* role, mx_handle_t end) {
    CHECK(helper_start(helper, role));
    EXPECT_OK(zx_channel_write(helper->channel, 0, NULL, 0, &end, 1));
}

static mx_handle_t take_pipe(zx_handle_t channel) {
    mx_handle_t pipe = MX_HANDLE_INVALID;
    channel_receive(channel, NULL, 0, NULL, &pipe, 1, NULL);
    return pipe;
}

/* Sends every message back as it came, handles too, until the pipe closes. */
HELPER(pipe_echo) {
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES];
    mx_handle_t handles[HANDLES_MAX], pipe = take_pipe(channel);
    for (;;) {
        uint32_t size = sizeof(bytes), count = HANDLES_MAX;
        mx_status_t status = receive(pipe, bytes, &size, handles, &count);
        if (status == ERR_REMOTE_CLOSED)
            return 0;
        if (status != NO_ERROR ||
            mx_msgpipe_write(pipe, bytes, size, handles, count, 0) != NO_ERROR)
            return 1;
    }
}

TEST(msgpipe_processes, bytes_and_handles_cross_and_come_back) {
    static const uint32_t sizes[] = {0, 1, 64, 4096, 65535, 65536};
    static unsigned char out[ZX_CHANNEL_MAX_MSG_BYTES], in[ZX_CHANNEL_MAX_MSG_BYTES];
    mx_handle_t ends[2], got[HANDLES_MAX];
    struct helper helper;
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (unsigned char)(i * 31);
    EXPECT_STATUS(mx_msgpipe_create(ends, 0), NO_ERROR);
    CHECK(start(&helper, "pipe_echo", ends[1]));
    for (size_t i = 0; i < countof(sizes); i++) {
        struct cargo cargo;
        uint32_t size = sizeof(in), count = HANDLES_MAX;
        CHECK(cargo_create(&cargo, (uint32_t)i * 12));
        EXPECT_STATUS(mx_msgpipe_write(ends[0], out, sizes[i], cargo.handles, cargo.count, 0),
                      NO_ERROR);
        memset(in, 0, sizeof(in));
        EXPECT_STATUS(receive(ends[0], in, &size, got, &count), NO_ERROR);
        EXPECT_EQUAL(size, sizes[i]);
        EXPECT_EQUAL(count, cargo.count);
        EXPECT_BYTES(in, out, sizes[i]);
        memcpy(cargo.handles, got, count * sizeof(got[0]));
        CHECK(cargo_expect_kept(&cargo));
        cargo_destroy(&cargo);
    }
    EXPECT_STATUS(mx_handle_close(ends[0]), NO_ERROR);
    CHECK(helper_finish(&helper, 0));
}

/* The client of 2016: it keeps the first end and asks through a reply pipe's opposite; the server
 * replies through the reply pipe, which comes back with the reply. */
HELPER(pipe_server) {
    mx_handle_t pipe = take_pipe(channel);
    for (uint32_t number = 0;;) {
        uint32_t size = sizeof(number), count = 1;
        mx_handle_t next = MX_HANDLE_INVALID;
        mx_status_t status = receive(pipe, &number, &size, &next, &count);
        if (status == ERR_REMOTE_CLOSED)
            return 0;
        number++;
        if (status != NO_ERROR ||
            mx_msgpipe_write(pipe, &number, sizeof(number), &pipe, 1, 0) != NO_ERROR)
            return 1;
        pipe = take_pipe(channel);
    }
}

TEST(msgpipe_processes, a_reply_pipe_goes_to_and_fro) {
    mx_handle_t ends[2], back;
    struct helper helper;
    EXPECT_STATUS(mx_msgpipe_create(ends, MX_FLAG_REPLY_PIPE), NO_ERROR);
    zx_koid_t koid = handle_koid(ends[1]);
    CHECK(start(&helper, "pipe_server", ends[1]));
    for (uint32_t i = 0; i < 50; i++) {
        uint32_t number = 0, size = sizeof(number), count = 1;
        EXPECT_STATUS(mx_msgpipe_write(ends[0], &i, sizeof(i), NULL, 0, 0), NO_ERROR);
        EXPECT_STATUS(receive(ends[0], &number, &size, &back, &count), NO_ERROR);
        EXPECT_EQUAL(number, i + 1);
        EXPECT_EQUAL(count, 1);
        EXPECT_EQUAL(handle_koid(back), koid);
        EXPECT_OK(zx_channel_write(helper.channel, 0, NULL, 0, &back, 1));
    }
    EXPECT_STATUS(mx_handle_close(ends[0]), NO_ERROR);
    CHECK(helper_finish(&helper, 0));
}

/* Takes its pipe, says so, and never reads. */
HELPER(pipe_sleeps) {
    mx_handle_t pipe = take_pipe(channel);
    mx_msgpipe_write(pipe, "t", 1, NULL, 0, 0);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

TEST(msgpipe_processes, unread_handles_of_a_killed_process_are_released) {
    mx_handle_t ends[2];
    struct helper helper;
    struct cargo cargo;
    char byte;
    uint32_t size = 1;
    zx_info_kernel_memory_t before = kernel_memory();
    EXPECT_STATUS(mx_msgpipe_create(ends, 0), NO_ERROR);
    CHECK(start(&helper, "pipe_sleeps", ends[1]));
    EXPECT_STATUS(receive(ends[0], &byte, &size, NULL, NULL), NO_ERROR);
    CHECK(cargo_create(&cargo, CARGO_MAX));
    EXPECT_STATUS(mx_msgpipe_write(ends[0], "h", 1, cargo.handles, cargo.count, 0), NO_ERROR);
    CHECK(cargo_expect_travelling(&cargo));
    CHECK(helper_kill(&helper));
    CHECK(cargo_expect_discarded(&cargo));
    EXPECT_EQUAL(object_signals(ends[0]), MX_SIGNAL_PEER_CLOSED);
    cargo_destroy(&cargo);
    helper_close(&helper);
    EXPECT_STATUS(mx_handle_close(ends[0]), NO_ERROR);
    CHECK(expect_no_leak(&before, 16));
}
