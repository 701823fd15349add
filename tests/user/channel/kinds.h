/* The kinds of queues of messages: channels in both generations, and message pipes. What holds for
 * all of them is tested once:
 *
 *     TEST_KINDS(messages_keep_their_order) { ... kind->write(...) ... } */
#pragma once

#include <test.h>
#include <zircon/syscalls.h>

struct kind {
    zx_status_t (*create)(zx_handle_t ends[2]);
    zx_status_t (*write)(zx_handle_t end, const void* bytes, uint32_t size,
                         const zx_handle_t* handles, uint32_t count);
    zx_status_t (*read)(zx_handle_t end, void* bytes, uint32_t* size, zx_handle_t* handles,
                        uint32_t* count);
};
extern const struct kind zx_channel, mx_channel, message_pipe;

/* A test of each kind, of one body. */
#define TEST_KINDS(name)                          \
    static void kinds_##name(const struct kind*); \
    TEST(zx_channel_write, name) {                \
        CHECK(kinds_##name(&zx_channel));         \
    }                                             \
    TEST(mx_channel_write, name) {                \
        CHECK(kinds_##name(&mx_channel));         \
    }                                             \
    TEST(mx_msgpipe_write, name) {                \
        CHECK(kinds_##name(&message_pipe));       \
    }                                             \
    static void kinds_##name(const struct kind* kind)
