/* Data pipes between two processes: bytes, windows that move, and processes that die in between. */
#include "fixture.h"

#include <helper.h>
#include <jacinth/launch.h>
#include <stdlib.h>

#define RING_BYTES 4096u
#define PATIENCE ZX_SEC(30)

static mx_handle_t receive_end(zx_handle_t channel) {
    mx_handle_t end = MX_HANDLE_INVALID;
    uint32_t count = 0;
    char byte;
    channel_receive(channel, &byte, 1, NULL, &end, 1, &count);
    return count == 1 ? end : MX_HANDLE_INVALID;
}

static void send_end(const struct helper* helper, mx_handle_t* end) {
    EXPECT_OK(zx_channel_write(helper->channel, 0, "e", 1, end, 1));
    *end = MX_HANDLE_INVALID;
}

static void say(zx_handle_t channel, char what) {
    zx_channel_write(channel, 0, &what, 1, NULL, 0);
}

static char hear(zx_handle_t channel) {
    char what = 0;
    if (channel_receive(channel, &what, 1, NULL, NULL, 0, NULL) != ZX_OK)
        return 0;
    return what;
}

/* --- a stream of bytes ------------------------------------------------------------------------ */

#define STREAM_SIZE (300u << 10)

static unsigned char stream_byte(size_t place) {
    return (unsigned char)(place * 37 ^ place >> 8);
}

/* Reads to the end, by turns with copies and in two phases; returns 0 if every byte was right. */
HELPER(reads_the_stream) {
    mx_handle_t consumer = receive_end(channel);
    unsigned char buffer[1000];
    size_t place = 0;
    for (int turn = 0;; turn++) {
        uintptr_t address = (uintptr_t)buffer;
        bool is_two_phase = turn % 2;
        mx_ssize_t size = is_two_phase ? mx_datapipe_begin_read(consumer, 0, &address)
                                       : mx_datapipe_read(consumer, 0, sizeof(buffer), buffer);
        if (size == ERR_SHOULD_WAIT) {
            wait_for(consumer, MX_SIGNAL_READABLE | MX_SIGNAL_PEER_CLOSED, PATIENCE);
            continue;
        }
        if (size < 0)
            return size == ERR_REMOTE_CLOSED && place == STREAM_SIZE ? 0 : 1;
        for (mx_ssize_t i = 0; i < size; i++)
            if (((unsigned char*)address)[i] != stream_byte(place++))
                return 2;
        if (is_two_phase && mx_datapipe_end_read(consumer, (size_t)size) != NO_ERROR)
            return 3;
    }
}

TEST(data_pipe_processes, a_stream_arrives_whole_by_copies_and_in_two_phases) {
    struct helper helper;
    struct pipe pipe;
    unsigned char buffer[700];
    size_t place = 0;
    CHECK(pipe_create(&pipe, 1, RING_BYTES));
    CHECK(helper_start(&helper, "reads_the_stream"));
    CHECK(send_end(&helper, &pipe.consumer));
    for (int turn = 0; place < STREAM_SIZE; turn++) {
        uintptr_t address = (uintptr_t)buffer;
        mx_ssize_t size = sizeof(buffer);
        if (turn % 2)
            size = mx_datapipe_begin_write(pipe.producer, 0, &address);
        if (size > (mx_ssize_t)(STREAM_SIZE - place))
            size = STREAM_SIZE - place;
        for (mx_ssize_t i = 0; i < size; i++)
            ((unsigned char*)address)[i] = stream_byte(place + (size_t)i);
        if (turn % 2 == 0)
            size = mx_datapipe_write(pipe.producer, 0, (size_t)size, buffer);
        else if (size > 0)
            EXPECT_OK(mx_datapipe_end_write(pipe.producer, (size_t)size));
        if (size == ERR_SHOULD_WAIT)
            EXPECT(wait_for(pipe.producer, MX_SIGNAL_WRITABLE, PATIENCE));
        else
            EXPECT(size > 0);
        place += size > 0 ? (size_t)size : 0;
    }
    pipe_destroy(&pipe);
    CHECK(helper_finish(&helper, 0));
}

/* --- windows that move ------------------------------------------------------------------------ */

/* Takes a producer with an open write over, ends it, and goes on in two phases of its own. */
HELPER(goes_on_writing) {
    mx_handle_t producer = receive_end(channel);
    uintptr_t address;
    if (mx_datapipe_begin_write(producer, 0, &address) != ERR_BUSY)
        return 1;
    if (mx_datapipe_write(producer, 0, 1, "x") != ERR_BUSY)
        return 2;
    if (mx_datapipe_end_write(producer, 5) != NO_ERROR)
        return 3;
    if (mx_datapipe_begin_write(producer, 0, &address) != RING_BYTES - 5)
        return 4;
    memcpy((char*)address, " there", 6);
    if (mx_datapipe_end_write(producer, 6) != NO_ERROR)
        return 5;
    say(channel, 'k');
    return hear(channel) == 'q' ? 0 : 6;
}

TEST(data_pipe_processes, an_open_write_moves_and_the_sender_loses_the_window) {
    struct helper helper;
    struct pipe pipe;
    uintptr_t address;
    CHECK(pipe_create(&pipe, 1, RING_BYTES));
    CHECK(helper_start(&helper, "goes_on_writing"));
    EXPECT_EQUAL(mx_datapipe_begin_write(pipe.producer, 0, &address), RING_BYTES);
    memcpy((char*)address, "hello", 5);
    CHECK(send_end(&helper, &pipe.producer));
    EXPECT(!is_mapped((void*)address));
    EXPECT_EQUAL(hear(helper.channel), 'k');
    CHECK(expect_read(&pipe, "hello there", 11));
    say(helper.channel, 'q');
    CHECK(helper_finish(&helper, 0));
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    pipe_destroy(&pipe);
}

/* Begins to write, and dies by touching the window after the handle was sent back. */
HELPER(touches_what_it_has_sent) {
    mx_handle_t producer = receive_end(channel);
    uintptr_t address;
    if (mx_datapipe_begin_write(producer, 0, &address) <= 0)
        return 1;
    *(volatile char*)address = 'a';
    zx_channel_write(channel, 0, "e", 1, &producer, 1);
    *(volatile char*)address = 'b';
    return 2;
}

TEST(data_pipe_processes, touching_the_window_of_a_handle_that_was_sent_is_a_fault) {
    struct helper helper;
    struct pipe pipe;
    int64_t code;
    CHECK(pipe_create(&pipe, 1, RING_BYTES));
    CHECK(helper_start(&helper, "touches_what_it_has_sent"));
    CHECK(send_end(&helper, &pipe.producer));
    pipe.producer = receive_end(helper.channel);
    EXPECT(pipe.producer > 0);
    EXPECT_OK(helper_wait(&helper, &code));
    EXPECT(code != 1 && code != 2);
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 1));
    CHECK(expect_read(&pipe, "a", 1));
    helper_close(&helper);
    pipe_destroy(&pipe);
}

/* Sends the end that it gets back, with a window and, for a producer, an open write of one byte. */
HELPER(bounces) {
    for (;;) {
        mx_handle_t end = receive_end(channel);
        uintptr_t address;
        if (end == MX_HANDLE_INVALID)
            return 0;
        if (mx_datapipe_end_write(end, 1) != NO_ERROR)
            return 1;
        if (mx_datapipe_begin_write(end, 0, &address) <= 0)
            return 2;
        *(volatile char*)address = 'h';
        if (zx_channel_write(channel, 0, "e", 1, &end, 1) != ZX_OK)
            return 3;
    }
}

TEST(data_pipe_processes, a_producer_goes_to_and_fro_with_its_open_write) {
    struct helper helper;
    struct pipe pipe;
    uintptr_t address;
    CHECK(pipe_create(&pipe, 1, RING_BYTES));
    CHECK(helper_start(&helper, "bounces"));
    zx_info_kernel_memory_t before;
    for (int round = 0; round < 200; round++) {
        if (round == 10)
            before = kernel_memory();
        EXPECT(mx_datapipe_begin_write(pipe.producer, 0, &address) > 0);
        *(volatile char*)address = 'm';
        CHECK(send_end(&helper, &pipe.producer));
        pipe.producer = receive_end(helper.channel);
        EXPECT_OK(mx_datapipe_end_write(pipe.producer, 1));
        CHECK(expect_read(&pipe, "mh", 2));
    }
    CHECK(expect_no_leak(&before, 16));
    CHECK(helper_hang_up(&helper, 0));
    pipe_destroy(&pipe);
}

TEST(data_pipe_processes, an_unread_message_with_an_end_that_dies_closes_it) {
    struct pipe pipe;
    mx_handle_t near, far;
    uintptr_t address;
    CHECK(pipe_create(&pipe, 1, RING_BYTES));
    EXPECT_OK(mx_channel_create(0, &near, &far));
    EXPECT_EQUAL(mx_datapipe_begin_write(pipe.producer, 0, &address), RING_BYTES);
    EXPECT_OK(mx_channel_write(near, 0, NULL, 0, &pipe.producer, 1));
    EXPECT(!is_mapped((void*)address));
    EXPECT_EQUAL(object_signals(pipe.consumer), 0); /* in flight is not closed */
    EXPECT_OK(mx_handle_close(far));
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    EXPECT_OK(mx_handle_close(near));
    pipe.producer = MX_HANDLE_INVALID;
    pipe_destroy(&pipe);
}

/* --- a handle that a process is started with -------------------------------------------------- */

/* Just ends: nothing is mapped at address 0, where it starts. */
TEST(data_pipe_processes, the_argument_of_a_new_process_takes_no_window_along) {
    struct pipe pipe;
    zx_handle_t process, vmar, thread;
    uintptr_t address;
    CHECK(pipe_create(&pipe, 1, RING_BYTES));
    EXPECT_EQUAL(mx_datapipe_begin_write(pipe.producer, 0, &address), RING_BYTES);
    EXPECT_OK(zx_process_create(zx_job_default(), "p", 1, 0, &process, &vmar));
    EXPECT_OK(zx_thread_create(process, "t", 1, 0, &thread));
    EXPECT_STATUS(mx_process_start(process, thread, 1ul << 63, 0, pipe.producer, 0),
                  MX_ERR_INVALID_ARGS);
    zx_handle_t foreign = duplicate(zx_thread_self());
    EXPECT_STATUS(mx_process_start(process, foreign, 0x1000, 0, pipe.producer, 0),
                  MX_ERR_ACCESS_DENIED);
    EXPECT(is_mapped_writable((void*)address)); /* back again after the failure */
    EXPECT_EQUAL(mx_datapipe_end_write(pipe.producer, 0), NO_ERROR);
    EXPECT_OK(zx_process_start(process, thread, 0x1000, 0, pipe.producer, 0));
    EXPECT(!is_mapped((void*)address));
    EXPECT(!handle_is_valid(pipe.producer));
    pipe.producer = MX_HANDLE_INVALID;
    EXPECT(wait_for(process, ZX_PROCESS_TERMINATED, PATIENCE));
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    const zx_handle_t handles[] = {process, vmar, thread, foreign};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
    pipe_destroy(&pipe);
}

/* --- processes that die ----------------------------------------------------------------------- */

/* Opens two phases at the end it gets, and sleeps. */
HELPER(sleeps_in_two_phases) {
    mx_handle_t end = receive_end(channel);
    uintptr_t address;
    if (mx_datapipe_begin_write(end, 0, &address) > 0)
        *(volatile char*)address = '!';
    else if (mx_datapipe_begin_read(end, 0, &address) <= 0)
        return 1;
    say(channel, 'k');
    return zx_nanosleep(ZX_TIME_INFINITE);
}

TEST(data_pipe_processes, a_producer_killed_in_a_two_phase_write_has_written_nothing) {
    struct helper helper;
    struct pipe pipe;
    CHECK(pipe_create(&pipe, 1, RING_BYTES));
    CHECK(pipe_fill(&pipe, "before", 6));
    CHECK(helper_start(&helper, "sleeps_in_two_phases"));
    CHECK(send_end(&helper, &pipe.producer));
    EXPECT_EQUAL(hear(helper.channel), 'k');
    CHECK(helper_kill(&helper));
    helper_close(&helper);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE | MX_SIGNAL_PEER_CLOSED);
    CHECK(expect_read(&pipe, "before", 6));
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    pipe_destroy(&pipe);
}

TEST(data_pipe_processes, a_consumer_killed_in_a_two_phase_read_closes_the_pipe) {
    struct helper helper;
    struct pipe pipe;
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(pipe_create(&pipe, 1, RING_BYTES));
    CHECK(pipe_fill(&pipe, "before", 6));
    CHECK(helper_start(&helper, "sleeps_in_two_phases"));
    CHECK(send_end(&helper, &pipe.consumer));
    EXPECT_EQUAL(hear(helper.channel), 'k');
    CHECK(helper_kill(&helper));
    helper_close(&helper);
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_PEER_CLOSED);
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(pipe.producer, 0, 1, "x"), ERR_REMOTE_CLOSED);
    pipe_destroy(&pipe);
    CHECK(expect_no_leak(&before, 16));
}
