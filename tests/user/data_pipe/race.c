/* One thing against another at one data pipe, at the same moment; and windows that go while they
 * are used. */
#include "fixture.h"

#include <helper.h>
#include <meeting.h>
#include <stdatomic.h>
#include <threads.h>

#define RACE_ROUNDS 80
#define RACE_CAPACITY 300000u
#define RACE_SIZE 131072u

/* Two threads do one thing each to a pipe, at the same moment. */
struct race {
    struct pipe pipe;
    mx_handle_t near, far; /* a channel to send an end into */
    char* buffer;          /* RACE_SIZE bytes, which a thread may unmap */
    uintptr_t window;      /* the producer's, if it ever had one */
    struct meeting start;
    int (*action)(struct race* race); /* of the other thread, which begins a little later */
    int delay;
};

static bool is_size_or(mx_ssize_t result, mx_ssize_t first, mx_ssize_t second) {
    return result >= 0 || result == first || result == second;
}

static int race_write(struct race* race) {
    return !is_size_or(mx_datapipe_write(race->pipe.producer, 0, 64,
                                         "0123456701234567012345670123456"
                                         "70123456701234567012345670123456"),
                       ERR_BAD_HANDLE, ERR_REMOTE_CLOSED);
}

static int race_long_write(struct race* race) {
    mx_ssize_t size = mx_datapipe_write(race->pipe.producer, 0, RACE_SIZE, race->buffer);
    return size != RACE_SIZE && size != ERR_INVALID_ARGS &&
           !is_size_or(size, ERR_BAD_HANDLE, ERR_REMOTE_CLOSED);
}

static int race_read(struct race* race) {
    char bytes[8];
    return !is_size_or(mx_datapipe_read(race->pipe.consumer, 0, 8, bytes), ERR_BAD_HANDLE,
                       ERR_REMOTE_CLOSED);
}

/* RACE_SIZE bytes wait. */
static int race_long_read(struct race* race) {
    mx_ssize_t size = mx_datapipe_read(race->pipe.consumer, 0, RACE_SIZE, race->buffer);
    return size != ERR_INVALID_ARGS && !is_size_or(size, ERR_BAD_HANDLE, ERR_REMOTE_CLOSED);
}

static int race_two_phase_write(struct race* race) {
    if (!is_size_or(mx_datapipe_begin_write(race->pipe.producer, 0, &race->window), ERR_BAD_HANDLE,
                    ERR_REMOTE_CLOSED))
        return 1;
    return !is_size_or(mx_datapipe_end_write(race->pipe.producer, 8), ERR_BAD_HANDLE,
                       ERR_BAD_STATE);
}

static int race_two_phase_read(struct race* race) {
    uintptr_t address;
    if (!is_size_or(mx_datapipe_begin_read(race->pipe.consumer, 0, &address), ERR_BAD_HANDLE,
                    ERR_REMOTE_CLOSED))
        return 1;
    return !is_size_or(mx_datapipe_end_read(race->pipe.consumer, 8), ERR_BAD_HANDLE, ERR_BAD_STATE);
}

static int race_wait(struct race* race) {
    mx_status_t status = zx_object_wait_one(race->pipe.producer, MX_SIGNAL_PEER_CLOSED,
                                            zx_clock_get_monotonic() + ZX_MSEC(1), NULL);
    return status != MX_ERR_TIMED_OUT && !is_size_or(status, ERR_BAD_HANDLE, ERR_HANDLE_CLOSED);
}

static int race_close_producer(struct race* race) {
    return zx_handle_close(race->pipe.producer) != ZX_OK;
}

static int race_close_consumer(struct race* race) {
    return zx_handle_close(race->pipe.consumer) != ZX_OK;
}

static int race_send_producer(struct race* race) {
    return mx_channel_write(race->near, 0, NULL, 0, &race->pipe.producer, 1) != MX_OK;
}

static int race_send_consumer(struct race* race) {
    return mx_channel_write(race->near, 0, NULL, 0, &race->pipe.consumer, 1) != MX_OK;
}

static int race_send_and_fetch_producer(struct race* race) {
    uint32_t bytes, handles;
    if (mx_channel_write(race->near, 0, NULL, 0, &race->pipe.producer, 1) != MX_OK)
        return 1;
    return mx_channel_read(race->far, 0, NULL, &race->pipe.producer, 0, 1, &bytes, &handles) !=
           MX_OK;
}

static int race_unmap_buffer(struct race* race) {
    return zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)race->buffer, RACE_SIZE) != ZX_OK;
}

static int run_action(void* argument) {
    struct race* race = argument;
    meet(&race->start);
    for (volatile int left = race->delay; left > 0; left--)
        ;
    return race->action(race);
}

static void race_create(struct race* race) {
    static const char old[RACE_SIZE] = "what waits before";
    *race = (struct race){.buffer = guarded_buffer(RACE_SIZE)};
    EXPECT(race->buffer);
    memset(race->buffer, 'b', RACE_SIZE);
    CHECK(pipe_create(&race->pipe, 1, RACE_CAPACITY));
    CHECK(pipe_fill(&race->pipe, old, RACE_SIZE));
    EXPECT_OK(mx_channel_create(0, &race->near, &race->far));
}

/* A producer that was sent has left no window behind. What is left of it is closed then: the
 * consumer can drain the pipe, and sees that. */
static void race_end(struct race* race) {
    mx_handle_t consumer = race->pipe.consumer;
    if (race->window && object_signals(race->far) & MX_CHANNEL_READABLE)
        EXPECT(!is_mapped((const void*)race->window));
    zx_handle_close(race->pipe.producer);
    EXPECT_OK(mx_handle_close(race->near));
    EXPECT_OK(mx_handle_close(race->far));
    if (handle_is_valid(consumer)) {
        mx_ssize_t waiting = mx_datapipe_read(consumer, QUERY, 0, NULL);
        EXPECT(waiting >= 0 && waiting <= RACE_CAPACITY);
        if (waiting > 0)
            EXPECT_EQUAL(mx_datapipe_read(consumer, DISCARD, RACE_CAPACITY, NULL), waiting);
        EXPECT_EQUAL(mx_datapipe_read(consumer, DISCARD, 1, NULL), ERR_REMOTE_CLOSED);
        EXPECT_EQUAL(object_signals(consumer), MX_SIGNAL_PEER_CLOSED);
        EXPECT_OK(mx_handle_close(consumer));
    }
    zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)race->buffer, RACE_SIZE);
}

static void run_race(int (*first)(struct race*), int (*second)(struct race*)) {
    for (int round = 0; round < RACE_ROUNDS; round++) {
        struct race race;
        thrd_t thread;
        int result;
        CHECK(race_create(&race));
        race.action = first;
        race.delay = 2 * round * round; /* closer looks at the beginning */
        EXPECT_EQUAL(thrd_create(&thread, run_action, &race), thrd_success);
        meet(&race.start);
        EXPECT_EQUAL(second(&race), 0);
        EXPECT_EQUAL(thrd_join(thread, &result), thrd_success);
        EXPECT_EQUAL(result, 0);
        CHECK(race_end(&race));
    }
}

#define RACE(name, first, second)                                 \
    TEST(data_pipe_race, name) {                                  \
        CHECK(run_race(first, second)); /* warms the caches up */ \
        zx_info_kernel_memory_t before = kernel_memory();         \
        CHECK(run_race(first, second));                           \
        CHECK(expect_no_leak(&before, 16));                       \
    }

RACE(close_against_write, race_close_producer, race_write)
RACE(close_against_long_write, race_close_producer, race_long_write)
RACE(close_against_two_phase_write, race_close_producer, race_two_phase_write)
RACE(close_against_wait, race_close_producer, race_wait)
RACE(close_against_read, race_close_consumer, race_read)
RACE(close_against_long_read, race_close_consumer, race_long_read)
RACE(close_against_two_phase_read, race_close_consumer, race_two_phase_read)
RACE(close_of_the_consumer_against_long_write, race_close_consumer, race_long_write)
RACE(close_of_the_consumer_against_wait, race_close_consumer, race_wait)
RACE(close_of_the_producer_against_long_read, race_close_producer, race_long_read)
RACE(close_of_both, race_close_producer, race_close_consumer)
RACE(sending_against_write, race_send_producer, race_write)
RACE(sending_against_long_write, race_send_producer, race_long_write)
RACE(sending_against_two_phase_write, race_send_producer, race_two_phase_write)
RACE(sending_against_two_phase_read, race_send_consumer, race_two_phase_read)
RACE(sending_and_fetching_against_two_phase_write, race_send_and_fetch_producer,
     race_two_phase_write)
RACE(sending_against_wait, race_send_producer, race_wait)
RACE(unmapping_the_buffer_against_long_write, race_unmap_buffer, race_long_write)
RACE(unmapping_the_buffer_against_long_read, race_unmap_buffer, race_long_read)
RACE(long_write_against_long_read, race_long_write, race_long_read)
RACE(two_phase_write_against_two_phase_read, race_two_phase_write, race_two_phase_read)

/* --- windows ---------------------------------------------------------------------------------- */

struct unmapper {
    atomic_uintptr_t window; /* where it was last seen */
    atomic_bool is_done;
};

static int unmap_again_and_again(void* argument) {
    struct unmapper* unmapper = argument;
    while (!atomic_load(&unmapper->is_done)) {
        uintptr_t window = atomic_exchange(&unmapper->window, 0);
        if (window)
            zx_vmar_unmap(zx_vmar_root_self(), window, PAGE_SIZE_BYTES);
        thrd_yield();
    }
    return 0;
}

/* The program takes its window away from under each begin; the pipe does not mind. */
TEST(data_pipe_race, a_window_unmapped_meanwhile_harms_nobody) {
    struct unmapper unmapper = {.is_done = false};
    struct pipe pipe;
    thrd_t thread;
    CHECK(pipe_create(&pipe, 1, 2 * PAGE_SIZE_BYTES));
    EXPECT_EQUAL(thrd_create(&thread, unmap_again_and_again, &unmapper), thrd_success);
    for (int i = 0; i < 3000; i++) {
        uintptr_t address;
        EXPECT_EQUAL(mx_datapipe_begin_write(pipe.producer, 0, &address), 2 * PAGE_SIZE_BYTES);
        atomic_store(&unmapper.window, address);
        EXPECT_OK(mx_datapipe_end_write(pipe.producer, 0));
    }
    atomic_store(&unmapper.is_done, true);
    EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
    CHECK(pipe_fill(&pipe, "fine", 4));
    CHECK(expect_read(&pipe, "fine", 4));
    pipe_destroy(&pipe);
}

static atomic_uintptr_t scribbled_window;

static int scribble(void* unused) {
    uintptr_t window;
    (void)unused;
    while (!(window = atomic_load(&scribbled_window)))
        thrd_yield();
    for (;;)
        *(volatile char*)window = 's';
    return 0;
}

/* A thread writes to the window without end, while another sends the handle away. */
HELPER(sends_while_it_scribbles) {
    mx_handle_t producer = MX_HANDLE_INVALID;
    uint32_t count = 0;
    uintptr_t address;
    thrd_t thread;
    char byte;
    channel_receive(channel, &byte, 1, NULL, &producer, 1, &count);
    if (mx_datapipe_begin_write(producer, 0, &address) <= 0 ||
        thrd_create(&thread, scribble, NULL) != thrd_success)
        return 1;
    atomic_store(&scribbled_window, address);
    while (*(volatile char*)address != 's')
        thrd_yield();
    zx_channel_write(channel, 0, "e", 1, &producer, 1);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

TEST(data_pipe_race, a_window_in_use_by_another_thread_goes_with_the_handle) {
    for (int round = 0; round < 10; round++) {
        struct helper helper;
        struct pipe pipe;
        int64_t code;
        char byte;
        uint32_t count;
        CHECK(pipe_create(&pipe, 1, PAGE_SIZE_BYTES));
        CHECK(helper_start(&helper, "sends_while_it_scribbles"));
        EXPECT_OK(zx_channel_write(helper.channel, 0, "e", 1, &pipe.producer, 1));
        EXPECT_OK(channel_receive(helper.channel, &byte, 1, NULL, &pipe.producer, 1, &count));
        EXPECT_OK(helper_wait(&helper, &code)); /* the next touch was a fault */
        EXPECT(code != 0 && code != 1);
        helper_close(&helper);
        EXPECT_OK(mx_datapipe_end_write(pipe.producer, 1));
        CHECK(expect_read(&pipe, "s", 1));
        pipe_destroy(&pipe);
    }
}
