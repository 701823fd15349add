/* Kills of threads that write, read and hold windows all the time: what they worked on stays whole
 * and usable, and nothing is left behind. */
#include "raw_thread.h"

#include <helper.h>
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <zircon/process.h>

#define PATIENCE ZX_SEC(20)
#define ROUNDS 16
#define CHUNK 6000u /* over more pages than one */
#define CAPACITY (64u << 10)

static struct raw_thread thread;
static char bytes[CHUNK], seen[CHUNK];

/* Each `work` goes on for ever with two handles; each `expect` looks at them after the kill, and
 * closes them. */
static void kill_at_some_moment(void (*work)(uintptr_t, uintptr_t), zx_handle_t first,
                                zx_handle_t second, int round) {
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(raw_thread_start(&thread, work, (uintptr_t)first, (uintptr_t)second));
    sleep_for(ZX_USEC(100 + 37 * round % 400));
    EXPECT_OK(zx_task_kill(thread.handle));
    EXPECT(wait_for(thread.handle, ZX_THREAD_TERMINATED, PATIENCE));
    EXPECT_OK(zx_handle_close(thread.handle));
}

/* --- sockets ---------------------------------------------------------------------------------- */

RAW_THREAD fill_and_drain_socket(uintptr_t near, uintptr_t far) {
    size_t actual;
    for (;;) {
        zx_socket_write((zx_handle_t)near, 0, bytes, CHUNK, &actual);
        zx_socket_read((zx_handle_t)far, 0, seen, CHUNK, &actual);
    }
}

/* Datagrams are there as a whole or not at all. */
static void socket_row(uint32_t options) {
    zx_info_kernel_memory_t before = {0};
    for (int round = 0; round < ROUNDS; round++) {
        zx_handle_t near, far;
        size_t actual = 0;
        if (round == 4)
            before = kernel_memory();
        EXPECT_OK(zx_socket_create(options, &near, &far));
        CHECK(kill_at_some_moment(fill_and_drain_socket, near, far, round));
        while (zx_socket_read(far, 0, seen, CHUNK, &actual) == ZX_OK)
            EXPECT_EQUAL(actual, CHUNK);
        EXPECT_EQUAL(object_signals(far), ZX_SOCKET_WRITABLE);
        EXPECT_OK(zx_socket_write(near, 0, "after", 5, &actual));
        EXPECT_OK(zx_socket_read(far, 0, seen, CHUNK, &actual));
        EXPECT_EQUAL(actual, 5);
        EXPECT_EQUAL(object_handle_count(near), 1);
        EXPECT_OK(zx_handle_close(near));
        EXPECT_OK(zx_handle_close(far));
    }
    CHECK(expect_no_leak(&before, 16));
}

TEST(kill_transfers, during_stream_operations_leaves_the_socket_whole) {
    CHECK(socket_row(ZX_SOCKET_STREAM));
}

TEST(kill_transfers, during_datagram_operations_leaves_the_socket_whole) {
    CHECK(socket_row(ZX_SOCKET_DATAGRAM));
}

/* --- messages --------------------------------------------------------------------------------- */

static zx_handle_t carried;

/* With a handle, which comes back with each message. A kill may come between the two. */
RAW_THREAD send_and_receive(uintptr_t near, uintptr_t far) {
    zx_event_create(0, &carried);
    for (;;) {
        zx_channel_write((zx_handle_t)near, 0, bytes, CHUNK, &carried, 1);
        zx_channel_read((zx_handle_t)far, 0, seen, &carried, CHUNK, 1, NULL, NULL);
    }
}

TEST(kill_transfers, during_messages_leaves_them_whole_or_unsent) {
    zx_info_kernel_memory_t before = {0};
    for (int round = 0; round < ROUNDS; round++) {
        zx_handle_t near, far, event;
        uint32_t size, count;
        if (round == 4)
            before = kernel_memory();
        carried = ZX_HANDLE_INVALID;
        EXPECT_OK(zx_channel_create(0, &near, &far));
        CHECK(kill_at_some_moment(send_and_receive, near, far, round));
        zx_status_t status = zx_channel_read(far, 0, seen, &event, CHUNK, 1, &size, &count);
        if (status == ZX_OK) {
            EXPECT_EQUAL(size, CHUNK);
            EXPECT_EQUAL(count, 1);
            EXPECT_EQUAL(object_handle_count(event), 1);
            EXPECT_OK(zx_handle_close(event));
        } else {
            EXPECT_STATUS(status, ZX_ERR_SHOULD_WAIT);
            EXPECT_OK(zx_handle_close(carried)); /* 0, if it was not made yet */
        }
        EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE);
        EXPECT_OK(zx_channel_write(near, 0, "after", 5, NULL, 0));
        EXPECT_OK(zx_channel_read(far, 0, seen, NULL, CHUNK, 0, &size, NULL));
        EXPECT_EQUAL(size, 5);
        EXPECT_OK(zx_handle_close(near));
        EXPECT_OK(zx_handle_close(far));
    }
    CHECK(expect_no_leak(&before, 16));
}

/* --- two-phase operations --------------------------------------------------------------------- */

RAW_THREAD begin_and_end(uintptr_t producer, uintptr_t consumer) {
    uintptr_t address;
    for (;;) {
        mx_ssize_t room = mx_datapipe_begin_write((mx_handle_t)producer, 0, &address);
        if (room > 0)
            *(volatile char*)address = 'w';
        mx_datapipe_end_write((mx_handle_t)producer, room > 0 ? 1 : 0);
        mx_datapipe_begin_read((mx_handle_t)consumer, 0, &address);
        mx_datapipe_end_read((mx_handle_t)consumer, 1);
    }
}

/* What was begun stays begun: it belongs to the handle, not to the thread. Any thread can end it.
 */
TEST(kill_transfers, during_two_phase_operations_leaves_the_pipe_usable) {
    zx_info_kernel_memory_t before = {0};
    for (int round = 0; round < ROUNDS; round++) {
        mx_handle_t consumer, producer;
        uintptr_t address;
        if (round == 4)
            before = kernel_memory();
        producer = mx_datapipe_create(0, 1, CAPACITY, &consumer);
        EXPECT(producer > 0);
        CHECK(kill_at_some_moment(begin_and_end, producer, consumer, round));
        zx_status_t ended = mx_datapipe_end_write(producer, 0);
        EXPECT(ended == ZX_OK || ended == ERR_BAD_STATE);
        ended = mx_datapipe_end_read(consumer, 0);
        EXPECT(ended == ZX_OK || ended == ERR_BAD_STATE);
        while (mx_datapipe_read(consumer, 0, CHUNK, seen) > 0)
            ;
        EXPECT(mx_datapipe_begin_write(producer, 0, &address) > 0);
        EXPECT_OK(mx_datapipe_end_write(producer, 1));
        EXPECT_EQUAL(mx_datapipe_begin_read(consumer, 0, &address), 1);
        EXPECT_OK(mx_datapipe_end_read(consumer, 1));
        EXPECT_EQUAL(mx_datapipe_write(producer, 0, CHUNK, bytes), CHUNK);
        EXPECT_EQUAL(mx_datapipe_read(consumer, 0, CHUNK, seen), CHUNK);
        EXPECT_BYTES(seen, bytes, CHUNK);
        EXPECT_OK(zx_handle_close(producer));
        EXPECT_OK(zx_handle_close(consumer));
    }
    CHECK(expect_no_leak(&before, 16));
}

/* --- a process -------------------------------------------------------------------------------- */

/* Gets a producer, opens a window, says so, and never closes it. */
HELPER(keeps_window) {
    zx_handle_t producer;
    uintptr_t address;
    if (channel_receive(channel, NULL, 0, NULL, &producer, 1, NULL) != ZX_OK)
        return 1;
    mx_ssize_t room = mx_datapipe_begin_write(producer, 0, &address);
    if (room <= 0)
        return 2;
    memset((void*)address, 'k', (size_t)room);
    helper_report_ready(channel);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

/* Nothing of what it wrote is there: it was not ended. */
static void kill_with_window(void) {
    struct helper helper;
    mx_handle_t consumer, producer = mx_datapipe_create(0, 1, CAPACITY, &consumer);
    EXPECT(producer > 0);
    CHECK(helper_start(&helper, "keeps_window"));
    EXPECT_OK(zx_channel_write(helper.channel, 0, NULL, 0, &producer, 1));
    CHECK(helper_wait_until_ready(&helper));
    EXPECT_EQUAL(mx_datapipe_read(consumer, 0, CHUNK, seen), ERR_SHOULD_WAIT);
    CHECK(helper_kill(&helper));
    EXPECT_EQUAL(mx_datapipe_read(consumer, 0, CHUNK, seen), ERR_REMOTE_CLOSED);
    EXPECT_EQUAL(object_signals(consumer), MX_SIGNAL_PEER_CLOSED);
    helper_close(&helper);
    EXPECT_OK(zx_handle_close(consumer));
}

TEST(kill_transfers, of_a_process_with_an_open_window_closes_the_pipe) {
    CHECK(kill_with_window()); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(kill_with_window());
    CHECK(expect_no_leak(&before, 16));
}

#define CROWD 100u /* more than one kill takes on at once */

static struct raw_thread crowd[CROWD];

HELPER(is_a_crowd) {
    for (uint32_t i = 0; i < CROWD; i++)
        if (raw_thread_create(&crowd[i]) != ZX_OK ||
            raw_thread_start(&crowd[i], raw_sleep, 0, 0) != ZX_OK)
            return 1;
    helper_report_ready(channel);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

static size_t thread_count(zx_handle_t process) {
    size_t available = SIZE_MAX;
    zx_object_get_info(process, ZX_INFO_PROCESS_THREADS, NULL, 0, NULL, &available);
    return available;
}

/* The process shows its end before its last thread has left it. */
static void wait_until_left(zx_handle_t process) {
    zx_time_t deadline = zx_clock_get_monotonic() + PATIENCE;
    while (thread_count(process) > 0 && zx_clock_get_monotonic() < deadline)
        sleep_for(ZX_MSEC(1));
    EXPECT_EQUAL(thread_count(process), 0);
}

static void kill_crowd(void) {
    struct helper helper;
    CHECK(helper_start(&helper, "is_a_crowd"));
    CHECK(helper_wait_until_ready(&helper));
    EXPECT_EQUAL(thread_count(helper.process), CROWD + 1);
    CHECK(helper_kill(&helper));
    CHECK(wait_until_left(helper.process));
    helper_close(&helper);
}

TEST(kill_transfers, of_a_process_ends_each_of_very_many_threads) {
    CHECK(kill_crowd()); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(kill_crowd());
    CHECK(expect_no_leak(&before, 64));
}
