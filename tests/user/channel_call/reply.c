/* Ids, replies, and which caller gets them. */
#include "fixture.h"

#include <stdlib.h>

/* --- what is written ---------------------------------------------------------------------- */

/* Calls, and looks at the message before the reply. */
static void exchange(const struct generation* generation, struct letter* letter) {
    struct fixture fixture;
    struct call call;
    CHECK(fixture_create(&fixture));
    call_init(&call, generation, fixture.near, 33);
    CHECK(call_start(&call, fixture.far));
    CHECK(take(fixture.far, letter));
    EXPECT_EQUAL(letter->word, 33);
    EXPECT_EQUAL(call.sent.id, 5); /* the caller's bytes stay as they are */
    CHECK(put(fixture.far, letter->id, 44));
    CHECK(call_join(&call));
    CHECK(call_expect_answer(&call, 44));
    EXPECT_EQUAL(call.reply.id, letter->id);
    CHECK(expect_empty(fixture.near));
    CHECK(expect_empty(fixture.far));
    EXPECT_EQUAL(object_handle_count(fixture.near), 1);
    fixture_destroy(&fixture);
}

TEST(zx_channel_call, the_kernel_puts_an_id_of_its_own_into_the_first_four_bytes) {
    struct letter letter = {0};
    CHECK(exchange(&zx, &letter));
    EXPECT(letter.id >= FIRST_KERNEL_ID);
}

TEST(mx_channel_call, the_id_is_the_callers_and_travels_unchanged) {
    struct letter letter = {0};
    CHECK(exchange(&mx, &letter));
    EXPECT_EQUAL(letter.id, 5);
}

TEST_BOTH(channel_call, messages_and_replies_of_all_sizes_arrive_whole) {
    static const uint32_t sizes[] = {4,   5,    8,    63,   64,   65,   240,   241,
                                     256, 1300, 4095, 4096, 4097, 8192, 65535, 65536};
    static unsigned char out[ZX_CHANNEL_MAX_MSG_BYTES], in[ZX_CHANNEL_MAX_MSG_BYTES + 1];
    static unsigned char seen[ZX_CHANNEL_MAX_MSG_BYTES];
    struct fixture fixture;
    struct call call;
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (unsigned char)(i * 13 + i / 256);
    CHECK(fixture_create(&fixture));
    for (size_t i = 0; i < countof(sizes); i++) {
        call_init(&call, generation, fixture.near, 0);
        call.args.wr_bytes = out;
        call.args.wr_num_bytes = sizes[i];
        call.args.rd_bytes = in;
        call.args.rd_num_bytes = sizeof(in);
        memset(in, 0xee, sizeof(in));
        CHECK(call_start(&call, fixture.far));
        uint32_t size;
        EXPECT_OK(zx_channel_read(fixture.far, 0, seen, NULL, sizeof(seen), 0, &size, NULL));
        EXPECT_EQUAL(size, sizes[i]);
        EXPECT_BYTES(seen + 4, out + 4, sizes[i] - 4);
        EXPECT_OK(zx_channel_write(fixture.far, 0, seen, size, NULL, 0));
        CHECK(call_join(&call));
        EXPECT_OK(call.status);
        EXPECT_EQUAL(call.actual_bytes, sizes[i]);
        EXPECT_BYTES(in, seen, sizes[i]);
        EXPECT_EQUAL(in[sizes[i]], 0xee);
    }
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_call, handles_go_out_and_come_back) {
    static const uint32_t counts[] = {1, 2, 63, 64};
    for (size_t i = 0; i < countof(counts); i++) {
        struct fixture fixture;
        struct cargo cargo;
        struct call call;
        struct letter letter;
        zx_handle_t got[CARGO_MAX];
        uint32_t count;
        CHECK(fixture_create(&fixture));
        CHECK(cargo_create(&cargo, counts[i]));
        call_init(&call, generation, fixture.near, 0);
        call.args.wr_handles = cargo.handles;
        call.args.wr_num_handles = counts[i];
        call.args.rd_handles = call.reply_handles;
        call.args.rd_num_handles = CARGO_MAX;
        CHECK(call_start(&call, fixture.far));
        CHECK(cargo_expect_travelling(&cargo));
        EXPECT_OK(
            zx_channel_read(fixture.far, 0, &letter, got, sizeof(letter), CARGO_MAX, NULL, &count));
        EXPECT_EQUAL(count, counts[i]);
        EXPECT_OK(zx_channel_write(fixture.far, 0, &letter, sizeof(letter), got, count));
        CHECK(call_join(&call));
        EXPECT_OK(call.status);
        EXPECT_EQUAL(call.actual_handles, counts[i]);
        memcpy(cargo.handles, call.reply_handles, counts[i] * sizeof(got[0]));
        CHECK(cargo_expect_kept(&cargo));
        cargo_destroy(&cargo);
        fixture_destroy(&fixture);
    }
}

/* A size whose place is NULL is not stored. */
TEST_BOTH(channel_call, sizes_and_status_need_not_be_wanted) {
    struct fixture fixture;
    struct call call;
    CHECK(fixture_create(&fixture));
    call_init(&call, generation, fixture.near, 1);
    if (generation->picks_id) {
        call.args.rd_num_bytes = 0;
        call.args.rd_bytes = NULL;
        EXPECT_STATUS(zx_channel_call(fixture.near, 0, 0, &call.args, NULL, NULL),
                      ZX_ERR_TIMED_OUT);
    } else {
        EXPECT_STATUS(mx_channel_call(fixture.near, 0, 0, &call.args, NULL, NULL, NULL),
                      MX_ERR_TIMED_OUT);
    }
    fixture_destroy(&fixture);
}

/* --- ids ---------------------------------------------------------------------------------- */

#define CALLERS 40

TEST(zx_channel_call, ids_of_calls_under_way_are_unique_and_replies_find_their_callers) {
    struct fixture fixture;
    struct call* calls = calloc(CALLERS, sizeof(*calls));
    struct letter letters[CALLERS];
    EXPECT(calls);
    CHECK(fixture_create(&fixture));
    for (uint32_t i = 0; i < CALLERS; i++) {
        call_init(&calls[i], &zx, fixture.near, i);
        CHECK(call_start(&calls[i], fixture.far));
        CHECK(take(fixture.far, &letters[i]));
        EXPECT_EQUAL(letters[i].word, i);
        EXPECT(letters[i].id >= FIRST_KERNEL_ID);
        for (uint32_t k = 0; k < i; k++)
            EXPECT(letters[k].id != letters[i].id);
    }
    /* Out of order: 7 is prime to the number of callers, nearly. */
    for (uint32_t i = 0; i < CALLERS; i++) {
        uint32_t which = (i * 7 + 3) % CALLERS;
        CHECK(put(fixture.far, letters[which].id, 1000 + which));
        CHECK(call_join(&calls[which]));
        CHECK(call_expect_answer(&calls[which], 1000 + which));
    }
    CHECK(expect_empty(fixture.near));
    fixture_destroy(&fixture);
    free(calls);
}

/* Calls of both generations are under way: the kernel picks none of the ids that are taken. */
TEST(zx_channel_call, picks_no_id_that_another_call_brought) {
    struct fixture fixture;
    struct call* calls = calloc(8, sizeof(*calls));
    struct letter letter;
    EXPECT(calls);
    CHECK(fixture_create(&fixture));
    for (uint32_t i = 0; i < 7; i++) {
        call_init(&calls[i], &mx, fixture.near, i);
        calls[i].sent.id = FIRST_KERNEL_ID + i;
        CHECK(call_start(&calls[i], fixture.far));
        CHECK(take(fixture.far, &letter));
        EXPECT_EQUAL(letter.id, FIRST_KERNEL_ID + i);
    }
    call_init(&calls[7], &zx, fixture.near, 7);
    CHECK(call_start(&calls[7], fixture.far));
    CHECK(take(fixture.far, &letter));
    EXPECT(letter.id >= FIRST_KERNEL_ID + 7);
    CHECK(put(fixture.far, letter.id, 70));
    CHECK(call_join(&calls[7]));
    CHECK(call_expect_answer(&calls[7], 70));
    for (uint32_t i = 0; i < 7; i++) {
        CHECK(put(fixture.far, FIRST_KERNEL_ID + i, 10 + i));
        CHECK(call_join(&calls[i]));
        CHECK(call_expect_answer(&calls[i], 10 + i));
    }
    fixture_destroy(&fixture);
    free(calls);
}

/* Neither message is taken for the reply to the other. */
TEST(zx_channel_call, both_ends_can_call_at_the_same_time) {
    struct fixture fixture;
    struct call there, back;
    struct letter letter;
    CHECK(fixture_create(&fixture));
    call_init(&there, &zx, fixture.near, 1);
    CHECK(call_start(&there, fixture.far));
    call_init(&back, &zx, fixture.far, 2);
    CHECK(call_start(&back, fixture.near));
    CHECK(take(fixture.near, &letter));
    EXPECT_EQUAL(letter.word, 2);
    CHECK(put(fixture.near, letter.id, 20));
    CHECK(call_join(&back));
    CHECK(call_expect_answer(&back, 20));
    EXPECT(!atomic_load(&there.is_done));
    CHECK(take(fixture.far, &letter));
    EXPECT_EQUAL(letter.word, 1);
    CHECK(put(fixture.far, letter.id, 10));
    CHECK(call_join(&there));
    CHECK(call_expect_answer(&there, 10));
    fixture_destroy(&fixture);
}

TEST(mx_channel_call, a_reply_goes_to_the_longest_waiting_caller_of_its_id) {
    struct fixture fixture;
    struct call* calls = calloc(9, sizeof(*calls));
    EXPECT(calls);
    CHECK(fixture_create(&fixture));
    for (uint32_t i = 0; i < 9; i++) {
        struct letter letter;
        call_init(&calls[i], &mx, fixture.near, i);
        calls[i].sent.id = 100 + i % 3;
        CHECK(call_start(&calls[i], fixture.far));
        CHECK(take(fixture.far, &letter));
        EXPECT_EQUAL(letter.id, 100 + i % 3);
    }
    for (uint32_t i = 0; i < 9; i++) {
        uint32_t first = i / 3 + (i % 3) * 3; /* ids 100 100 100 101 ... */
        CHECK(put(fixture.far, 100 + first % 3, 50 + first));
        CHECK(call_join(&calls[first]));
        CHECK(call_expect_answer(&calls[first], 50 + first));
    }
    CHECK(expect_empty(fixture.near));
    fixture_destroy(&fixture);
    free(calls);
}

/* A message with fewer than four bytes has the id 0, and so has its reply. */
TEST(mx_channel_call, a_short_message_has_the_id_0) {
    for (uint32_t size = 0; size < 4; size++) {
        for (uint32_t reply_size = 0; reply_size <= 4; reply_size++) {
            struct fixture fixture;
            struct call call;
            char bytes[8];
            uint32_t actual;
            CHECK(fixture_create(&fixture));
            call_init(&call, &mx, fixture.near, 0);
            call.args.wr_bytes = "abc";
            call.args.wr_num_bytes = size;
            CHECK(call_start(&call, fixture.far));
            EXPECT_OK(
                zx_channel_read(fixture.far, 0, bytes, NULL, sizeof(bytes), 0, &actual, NULL));
            EXPECT_EQUAL(actual, size);
            EXPECT_BYTES(bytes, "abc", size);
            EXPECT_OK(zx_channel_write(fixture.far, 0, "\0\0\0\0", reply_size, NULL, 0));
            CHECK(call_join(&call));
            EXPECT_OK(call.status);
            EXPECT_EQUAL(call.actual_bytes, reply_size);
            fixture_destroy(&fixture);
        }
    }
}

/* --- what is no reply --------------------------------------------------------------------- */

/* Messages with other ids go to the queue, and the caller goes on waiting. */
TEST_BOTH(channel_call, other_messages_go_to_the_queue) {
    struct fixture fixture;
    struct call call;
    struct letter letter, other;
    CHECK(fixture_create(&fixture));
    call_init(&call, generation, fixture.near, 1);
    CHECK(call_start(&call, fixture.far));
    CHECK(take(fixture.far, &letter));
    EXPECT_EQUAL(object_signals(fixture.near), ZX_CHANNEL_WRITABLE);
    CHECK(put(fixture.far, letter.id + 1, 91));
    CHECK(put(fixture.far, letter.id - 1, 92));
    EXPECT_OK(zx_channel_write(fixture.far, 0, "xyz", 3, NULL, 0));
    EXPECT_EQUAL(object_signals(fixture.near), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    EXPECT(!atomic_load(&call.is_done));
    CHECK(put(fixture.far, letter.id, 93));
    CHECK(call_join(&call));
    CHECK(call_expect_answer(&call, 93));
    CHECK(take(fixture.near, &other));
    EXPECT_EQUAL(other.word, 91);
    CHECK(take(fixture.near, &other));
    EXPECT_EQUAL(other.word, 92);
    uint32_t size;
    EXPECT_OK(zx_channel_read(fixture.near, 0, &other, NULL, sizeof(other), 0, &size, NULL));
    EXPECT_EQUAL(size, 3);
    CHECK(expect_empty(fixture.near));
    fixture_destroy(&fixture);
}

TEST_BOTH(channel_call, a_second_reply_with_the_same_id_goes_to_the_queue) {
    struct fixture fixture;
    struct call call;
    struct letter letter, second;
    CHECK(fixture_create(&fixture));
    call_init(&call, generation, fixture.near, 1);
    CHECK(call_start(&call, fixture.far));
    CHECK(take(fixture.far, &letter));
    CHECK(put(fixture.far, letter.id, 93));
    CHECK(put(fixture.far, letter.id, 94));
    CHECK(call_join(&call));
    CHECK(call_expect_answer(&call, 93));
    CHECK(take(fixture.near, &second));
    EXPECT_EQUAL(second.word, 94);
    CHECK(expect_empty(fixture.near));
    fixture_destroy(&fixture);
}

/* A reply needs no room in the queue. */
TEST_BOTH(channel_call, a_reply_passes_a_full_queue) {
    struct fixture fixture;
    struct call call;
    struct letter letter;
    CHECK(fixture_create(&fixture));
    for (uint32_t i = 0; i < CHANNEL_MAX_QUEUED_MESSAGES; i++)
        CHECK(put(fixture.far, 1, i));
    EXPECT_STATUS(zx_channel_write(fixture.far, 0, "x", 1, NULL, 0), ZX_ERR_NO_MEMORY);
    call_init(&call, generation, fixture.near, 1);
    CHECK(call_start(&call, fixture.far));
    CHECK(take(fixture.far, &letter));
    EXPECT_STATUS(zx_channel_write(fixture.far, 0, "x", 1, NULL, 0), ZX_ERR_NO_MEMORY);
    CHECK(put(fixture.far, letter.id, 2));
    CHECK(call_join(&call));
    CHECK(call_expect_answer(&call, 2));
    EXPECT_EQUAL(object_signals(fixture.far), 0);
    CHECK(take(fixture.near, &letter));
    EXPECT_EQUAL(letter.word, 0);
    fixture_destroy(&fixture);
}

/* What waited in the queue before the call stays there, the same id or not. */
TEST_BOTH(channel_call, what_was_queued_before_is_no_reply) {
    struct fixture fixture;
    struct call call;
    struct letter letter;
    CHECK(fixture_create(&fixture));
    CHECK(put(fixture.far, 5, 1));
    CHECK(put(fixture.far, FIRST_KERNEL_ID, 2));
    call_init(&call, generation, fixture.near, 7);
    CHECK(call_start(&call, fixture.far));
    CHECK(answer(fixture.far));
    CHECK(call_join(&call));
    CHECK(call_expect_answer(&call, 8));
    for (uint32_t i = 1; i <= 2; i++) {
        CHECK(take(fixture.near, &letter));
        EXPECT_EQUAL(letter.word, i);
    }
    fixture_destroy(&fixture);
}

/* --- a reply that does not fit ------------------------------------------------------------ */

TEST_BOTH(channel_call, a_reply_too_large_is_dropped_and_its_sizes_are_stored) {
    static const struct {
        uint32_t bytes, handles;
    } rooms[] = {{0, 0}, {7, 3}, {8, 2}, {8, 0}, {0, 3}};
    for (size_t i = 0; i < countof(rooms); i++) {
        struct fixture fixture;
        struct call call;
        struct letter letter;
        CHECK(fixture_create(&fixture));
        call_init(&call, generation, fixture.near, 1);
        call.args.rd_num_bytes = rooms[i].bytes;
        call.args.rd_handles = call.reply_handles;
        call.args.rd_num_handles = rooms[i].handles;
        CHECK(call_start(&call, fixture.far));
        CHECK(take(fixture.far, &letter));
        EXPECT_OK(
            zx_channel_write(fixture.far, 0, &letter, sizeof(letter), fixture.cargo.handles, 3));
        CHECK(call_join(&call));
        EXPECT_EQUAL(call.actual_bytes, 8);
        EXPECT_EQUAL(call.actual_handles, 3);
        call.actual_bytes = call.actual_handles = UNTOUCHED;
        CHECK(call_expect_read_failure(&call, ZX_ERR_BUFFER_TOO_SMALL));
        CHECK(cargo_expect_discarded(&fixture.cargo));
        CHECK(expect_empty(fixture.near));
        fixture_destroy(&fixture);
    }
}

/* The place was good before the call, but is gone when the reply comes. */
TEST_BOTH(channel_call, a_place_that_is_gone_is_invalid_args_and_the_reply_is_dropped) {
    struct fixture fixture;
    struct call call;
    struct letter letter;
    CHECK(fixture_create(&fixture));
    call_init(&call, generation, fixture.near, 1);
    char* place = guarded_buffer(sizeof(letter));
    EXPECT(place);
    call.args.rd_bytes = place;
    call.args.rd_handles = call.reply_handles;
    call.args.rd_num_handles = 3;
    CHECK(call_start(&call, fixture.far));
    CHECK(take(fixture.far, &letter));
    guarded_buffer_free(place, sizeof(letter));
    EXPECT_OK(zx_channel_write(fixture.far, 0, &letter, sizeof(letter), fixture.cargo.handles, 3));
    CHECK(call_join(&call));
    CHECK(call_expect_read_failure(&call, ZX_ERR_INVALID_ARGS));
    CHECK(cargo_expect_discarded(&fixture.cargo));
    CHECK(expect_empty(fixture.near));
    fixture_destroy(&fixture);
}
