/* What the tests of channel_call set up: a channel, handles to send, the call in both generations,
 * and a caller in a thread of its own. */
#pragma once

#include <channel_fixture.h>
#include <magenta/syscalls.h>
#include <objects.h>
#include <stdatomic.h>
#include <test.h>
#include <threads.h>

#define FIRST_KERNEL_ID 0x80000000u
#define UNTOUCHED 77

/* One generation of the call. The zx one has no read_status: then it stays as it was. */
struct generation {
    zx_status_t (*call)(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                        const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                        uint32_t* actual_handles, zx_status_t* read_status);
    bool discards; /* what a failed call does with the handles */
    bool picks_id;
};
extern const struct generation zx, mx;

/* A message as the tests send it: an id and a word. */
struct letter {
    uint32_t id, word;
};

/* A call with room for a reply, and everything that can come out of it. */
struct call {
    const struct generation* generation;
    zx_handle_t handle;
    zx_time_t deadline;
    struct letter sent;
    zx_handle_t sent_handles[CARGO_MAX];
    zx_channel_call_args_t args; /* from `sent` to `reply`, unless changed */
    struct letter reply;
    zx_handle_t reply_handles[CARGO_MAX];
    uint32_t actual_bytes, actual_handles;
    zx_status_t status, read_status;
    thrd_t thread;
    atomic_bool is_done;
};
/* An id of 5, the word, no handles, room for one letter, all the time there is. */
void call_init(struct call* call, const struct generation* generation, zx_handle_t handle,
               uint32_t word);
void call_run(struct call* call);
int call_thread(void* call); /* the same, for thrd_create */
/* The same in a thread; when _start returns, the message waits at `far`, and so does the caller for
 * the reply, as good as certainly. `count`: how many messages wait there then is the test's to
 * know. */
void call_start(struct call* call, zx_handle_t far);
void call_join(struct call* call);

/* The reply to the call is a letter with this word and the id that was sent. */
void call_expect_answer(const struct call* call, uint32_t word);
/* The message was written, and then this happened. Nothing came out. */
void call_expect_read_failure(const struct call* call, zx_status_t status);
/* The message was not written. Nothing came out. */
void call_expect_write_failure(const struct call* call, zx_status_t status);

/* Reads the letter that waits at the end. */
void take(zx_handle_t end, struct letter* letter);
void put(zx_handle_t end, uint32_t id, uint32_t word);
/* Takes a letter and replies with its word + 1. */
void answer(zx_handle_t end);
