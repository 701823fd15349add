#include "fixture.h"

static zx_status_t zx_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                           const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                           uint32_t* actual_handles, zx_status_t* read_status) {
    (void)read_status;
    return zx_channel_call(handle, options, deadline, args, actual_bytes, actual_handles);
}

const struct generation zx = {zx_call, true, true};
const struct generation mx = {mx_channel_call, false, false};

/* --- calls -------------------------------------------------------------------------------- */

void call_init(struct call* call, const struct generation* generation, zx_handle_t handle,
               uint32_t word) {
    *call = (struct call){
        .generation = generation,
        .handle = handle,
        .deadline = ZX_TIME_INFINITE,
        .sent = {5, word},
        .reply = {UNTOUCHED, UNTOUCHED},
        .actual_bytes = UNTOUCHED,
        .actual_handles = UNTOUCHED,
        .status = UNTOUCHED,
        .read_status = UNTOUCHED,
    };
    call->args = (zx_channel_call_args_t){
        .wr_bytes = &call->sent,
        .wr_num_bytes = sizeof(call->sent),
        .rd_bytes = &call->reply,
        .rd_num_bytes = sizeof(call->reply),
    };
}

void call_run(struct call* call) {
    call->status =
        call->generation->call(call->handle, 0, call->deadline, &call->args, &call->actual_bytes,
                               &call->actual_handles, &call->read_status);
    atomic_store(&call->is_done, true);
}

int call_thread(void* call) {
    call_run(call);
    return 0;
}

void call_start(struct call* call, zx_handle_t far) {
    EXPECT_EQUAL(thrd_create(&call->thread, call_thread, call), thrd_success);
    EXPECT(wait_for(far, ZX_CHANNEL_READABLE, ZX_SEC(10)));
    sleep_for(ZX_MSEC(2));
    EXPECT(!atomic_load(&call->is_done));
}

void call_join(struct call* call) {
    EXPECT_EQUAL(thrd_join(call->thread, NULL), thrd_success);
}

void call_expect_answer(const struct call* call, uint32_t word) {
    EXPECT_OK(call->status);
    EXPECT_EQUAL(call->read_status, UNTOUCHED);
    EXPECT_EQUAL(call->actual_bytes, sizeof(call->reply));
    EXPECT_EQUAL(call->actual_handles, 0);
    EXPECT_EQUAL(call->reply.word, word);
    if (!call->generation->picks_id)
        EXPECT_EQUAL(call->reply.id, call->sent.id);
}

static void expect_nothing_came(const struct call* call) {
    EXPECT_EQUAL(call->reply.id, UNTOUCHED);
    EXPECT_EQUAL(call->reply.word, UNTOUCHED);
    EXPECT_EQUAL(call->actual_bytes, UNTOUCHED);
    EXPECT_EQUAL(call->actual_handles, UNTOUCHED);
    for (int i = 0; i < CARGO_MAX; i++)
        EXPECT_EQUAL(call->reply_handles[i], 0);
}

void call_expect_read_failure(const struct call* call, zx_status_t status) {
    bool is_mx = call->generation == &mx;
    bool is_apart = is_mx && status != MX_ERR_TIMED_OUT;
    EXPECT_STATUS(call->status, is_apart ? MX_ERR_CALL_FAILED : status);
    EXPECT_STATUS(call->read_status, is_mx ? status : UNTOUCHED);
    CHECK(expect_nothing_came(call));
}

void call_expect_write_failure(const struct call* call, zx_status_t status) {
    EXPECT_STATUS(call->status, status);
    EXPECT_EQUAL(call->read_status, UNTOUCHED);
    CHECK(expect_nothing_came(call));
}

/* --- the channel -------------------------------------------------------------------------- */

void take(zx_handle_t end, struct letter* letter) {
    uint32_t size;
    EXPECT_OK(zx_channel_read(end, 0, letter, NULL, sizeof(*letter), 0, &size, NULL));
    EXPECT_EQUAL(size, sizeof(*letter));
}

void put(zx_handle_t end, uint32_t id, uint32_t word) {
    const struct letter letter = {id, word};
    EXPECT_OK(zx_channel_write(end, 0, &letter, sizeof(letter), NULL, 0));
}

void answer(zx_handle_t end) {
    struct letter letter;
    CHECK(take(end, &letter));
    put(end, letter.id, letter.word + 1);
}
