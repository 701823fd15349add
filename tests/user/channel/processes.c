/* Channels between two processes: what crosses, and what happens when one of them dies. */
#include "fixture.h"

#include <helper.h>
#include <stdlib.h>

/* Sends every message back as it came, handles too, until the channel closes. */
HELPER(echo) {
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES];
    zx_handle_t handles[CARGO_MAX];
    uint32_t size, count;
    while (channel_receive(channel, bytes, sizeof(bytes), &size, handles, CARGO_MAX, &count) ==
           ZX_OK)
        if (zx_channel_write(channel, 0, bytes, size, handles, count) != ZX_OK)
            return 1;
    return 0;
}

TEST(channel_processes, bytes_of_all_sizes_come_back) {
    static const uint32_t sizes[] = {0, 1, 64, 4096, 65535, 65536};
    static unsigned char out[ZX_CHANNEL_MAX_MSG_BYTES], in[ZX_CHANNEL_MAX_MSG_BYTES];
    struct helper helper;
    uint32_t size;
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (unsigned char)(i * 31);
    CHECK(helper_start(&helper, "echo"));
    for (size_t i = 0; i < countof(sizes); i++) {
        EXPECT_OK(zx_channel_write(helper.channel, 0, out, sizes[i], NULL, 0));
        memset(in, 0, sizeof(in));
        EXPECT_OK(channel_receive(helper.channel, in, sizeof(in), &size, NULL, 0, NULL));
        EXPECT_EQUAL(size, sizes[i]);
        EXPECT_BYTES(in, out, sizes[i]);
    }
    CHECK(helper_hang_up(&helper, 0));
}

TEST(channel_processes, handles_come_back_with_rights_and_new_values) {
    struct helper helper;
    struct cargo cargo;
    zx_handle_t back[CARGO_MAX];
    uint32_t size, count;
    CHECK(helper_start(&helper, "echo"));
    CHECK(cargo_create(&cargo, CARGO_MAX));
    EXPECT_OK(zx_channel_write(helper.channel, 0, "h", 1, cargo.handles, cargo.count));
    char byte;
    EXPECT_OK(channel_receive(helper.channel, &byte, 1, &size, back, CARGO_MAX, &count));
    EXPECT_EQUAL(count, CARGO_MAX);
    memcpy(cargo.handles, back, sizeof(back));
    CHECK(cargo_expect_kept(&cargo));
    cargo_destroy(&cargo);
    CHECK(helper_hang_up(&helper, 0));
}

/* Takes nothing from its channel, and never ends. */
HELPER(sleeps) {
    (void)channel;
    return zx_nanosleep(ZX_TIME_INFINITE);
}

TEST(channel_processes, unread_handles_of_a_killed_process_are_released) {
    struct helper helper;
    struct cargo cargo;
    CHECK(helper_start(&helper, "sleeps"));
    CHECK(cargo_create(&cargo, CARGO_MAX));
    EXPECT_OK(zx_channel_write(helper.channel, 0, "h", 1, cargo.handles, cargo.count));
    CHECK(cargo_expect_travelling(&cargo));
    CHECK(helper_kill(&helper));
    CHECK(cargo_expect_discarded(&cargo));
    EXPECT_EQUAL(object_signals(helper.channel), ZX_CHANNEL_PEER_CLOSED);
    cargo_destroy(&cargo);
    helper_close(&helper);
}

/* Waits for a message that never comes. */
HELPER(waits) {
    helper_report_ready(channel);
    return zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
}

TEST(channel_processes, a_process_killed_while_it_waits_is_gone) {
    struct helper helper;
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(helper_start(&helper, "waits"));
    CHECK(helper_wait_until_ready(&helper));
    sleep_for(ZX_MSEC(5));
    CHECK(helper_kill(&helper));
    helper_close(&helper);
    CHECK(expect_no_leak(&before, 16));
}
