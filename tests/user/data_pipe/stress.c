/* Many threads at one data pipe. */
#include "fixture.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>

#define PATIENCE ZX_SEC(30)

/* --- nothing lost, nothing twice -------------------------------------------------------------- */

#define WRITERS 3
#define READERS 3
#define LETTERS 3000u /* of each writer */

struct letter {
    uint32_t writer, number;
};

struct traffic {
    struct pipe pipe;
    bool is_two_phase;
    atomic_uint next_writer, received, faults;
    atomic_uchar seen[WRITERS][LETTERS];
};

/* Several threads may not be in two phases at once: BUSY means to try again. */
static mx_ssize_t put_letters(struct traffic* traffic, const struct letter* letters, size_t count) {
    uintptr_t address;
    size_t size = count * sizeof(*letters);
    if (!traffic->is_two_phase)
        return mx_datapipe_write(traffic->pipe.producer, 0, size, letters);
    mx_ssize_t run = mx_datapipe_begin_write(traffic->pipe.producer, 0, &address);
    if (run < 0)
        return run;
    size = size < (size_t)run ? size : (size_t)run;
    memcpy((void*)address, letters, size);
    mx_status_t status = mx_datapipe_end_write(traffic->pipe.producer, size);
    return status == NO_ERROR ? (mx_ssize_t)size : status;
}

static int write_letters(void* argument) {
    struct traffic* traffic = argument;
    struct letter letters[16];
    uint32_t writer = atomic_fetch_add(&traffic->next_writer, 1), number = 0;
    while (number < LETTERS) {
        size_t count = 1 + number % 16;
        count = count < LETTERS - number ? count : LETTERS - number;
        for (size_t i = 0; i < count; i++)
            letters[i] = (struct letter){writer, number + (uint32_t)i};
        mx_ssize_t size = put_letters(traffic, letters, count);
        if (size == ERR_SHOULD_WAIT)
            wait_for(traffic->pipe.producer, MX_SIGNAL_WRITABLE, ZX_MSEC(10));
        else if (size == ERR_BUSY)
            thrd_yield();
        else if (size <= 0 || size % (mx_ssize_t)sizeof(letters[0]) != 0)
            return 1;
        else
            number += (uint32_t)((size_t)size / sizeof(letters[0]));
    }
    return 0;
}

static mx_ssize_t take_letters(struct traffic* traffic, struct letter* letters, size_t size) {
    uintptr_t address;
    if (!traffic->is_two_phase)
        return mx_datapipe_read(traffic->pipe.consumer, 0, size, letters);
    mx_ssize_t run = mx_datapipe_begin_read(traffic->pipe.consumer, 0, &address);
    if (run < 0)
        return run;
    size = size < (size_t)run ? size : (size_t)run;
    memcpy(letters, (const void*)address, size);
    mx_status_t status = mx_datapipe_end_read(traffic->pipe.consumer, size);
    return status == NO_ERROR ? (mx_ssize_t)size : status;
}

/* A reader sees each writer's numbers ascend. */
static void note_letters(struct traffic* traffic, const struct letter* letters, size_t count,
                         uint32_t next[WRITERS]) {
    for (size_t i = 0; i < count; i++) {
        uint32_t writer = letters[i].writer, number = letters[i].number;
        if (writer >= WRITERS || number >= LETTERS || number < next[writer] ||
            atomic_fetch_add(&traffic->seen[writer][number], 1) != 0)
            atomic_fetch_add(&traffic->faults, 1);
        else
            next[writer] = number + 1;
    }
    atomic_fetch_add(&traffic->received, (unsigned)count);
}

static int read_letters(void* argument) {
    struct traffic* traffic = argument;
    struct letter letters[20];
    uint32_t next[WRITERS] = {0};
    for (;;) {
        mx_ssize_t size = take_letters(traffic, letters, sizeof(letters));
        if (size == ERR_REMOTE_CLOSED)
            return 0;
        if (size == ERR_SHOULD_WAIT)
            wait_for(traffic->pipe.consumer, MX_SIGNAL_READABLE | MX_SIGNAL_PEER_CLOSED,
                     ZX_MSEC(10));
        else if (size == ERR_BUSY)
            thrd_yield();
        else if (size <= 0 || size % (mx_ssize_t)sizeof(letters[0]) != 0)
            return 1;
        else
            note_letters(traffic, letters, (size_t)size / sizeof(letters[0]), next);
    }
}

static void run_traffic(bool is_two_phase, size_t capacity) {
    struct traffic* traffic = calloc(1, sizeof(*traffic));
    thrd_t writers[WRITERS], readers[READERS];
    int result = 1;
    EXPECT(traffic);
    traffic->is_two_phase = is_two_phase;
    CHECK(pipe_create(&traffic->pipe, sizeof(struct letter), capacity));
    for (int i = 0; i < READERS; i++)
        EXPECT_EQUAL(thrd_create(&readers[i], read_letters, traffic), thrd_success);
    for (int i = 0; i < WRITERS; i++)
        EXPECT_EQUAL(thrd_create(&writers[i], write_letters, traffic), thrd_success);
    for (int i = 0; i < WRITERS; i++) {
        EXPECT_EQUAL(thrd_join(writers[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    pipe_close_producer(&traffic->pipe);
    for (int i = 0; i < READERS; i++) {
        EXPECT_EQUAL(thrd_join(readers[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    EXPECT_EQUAL(atomic_load(&traffic->received), WRITERS * LETTERS);
    EXPECT_EQUAL(atomic_load(&traffic->faults), 0);
    pipe_destroy(&traffic->pipe);
    free(traffic);
}

TEST(data_pipe_stress, writers_and_readers_lose_nothing_and_double_nothing) {
    CHECK(run_traffic(false, 1000));
    CHECK(run_traffic(false, 9000));
}

TEST(data_pipe_stress, nor_do_they_in_two_phases) {
    CHECK(run_traffic(true, 1000));
    CHECK(run_traffic(true, 9000));
}

/* --- long copies ------------------------------------------------------------------------------ */

#define BLOCK 100000u
#define BLOCKS 12u

struct blocks {
    struct pipe pipe;
    atomic_uint next_writer;
};

/* Blocks of one letter each, as a whole or not at all. */
static int write_blocks(void* argument) {
    struct blocks* blocks = argument;
    char* block = malloc(BLOCK);
    unsigned writer = atomic_fetch_add(&blocks->next_writer, 1);
    mx_ssize_t size = 0;
    memset(block, (int)('a' + writer), BLOCK);
    for (unsigned i = 0; i < BLOCKS && size >= 0;) {
        size = mx_datapipe_write(blocks->pipe.producer, ALL_OR_NONE, BLOCK, block);
        if (size == BLOCK)
            i++;
        else if (size == ERR_SHOULD_WAIT || size == ERR_OUT_OF_RANGE)
            size = !wait_for(blocks->pipe.producer, MX_SIGNAL_WRITE_THRESHOLD, PATIENCE);
    }
    free(block);
    return size < 0;
}

static void expect_blocks(struct blocks* blocks, unsigned count[2]) {
    char* block = malloc(BLOCK);
    for (unsigned i = 0; i < 2 * BLOCKS; i++) {
        mx_ssize_t size;
        while ((size = mx_datapipe_read(blocks->pipe.consumer, ALL_OR_NONE, BLOCK, block)) ==
                   ERR_SHOULD_WAIT ||
               size == ERR_OUT_OF_RANGE)
            EXPECT(wait_for(blocks->pipe.consumer, MX_SIGNAL_READ_THRESHOLD, PATIENCE));
        EXPECT_EQUAL(size, BLOCK);
        EXPECT_BYTES(block + 1, block, BLOCK - 1);
        EXPECT(block[0] == 'a' || block[0] == 'b');
        count[block[0] - 'a']++;
    }
    free(block);
}

TEST(data_pipe_stress, long_writes_of_two_threads_do_not_mix) {
    struct blocks blocks = {.next_writer = 0};
    const size_t threshold = BLOCK;
    unsigned count[2] = {0, 0};
    thrd_t threads[2];
    int result;
    CHECK(pipe_create(&blocks.pipe, 1, 250001));
    EXPECT_OK(mx_object_set_property(blocks.pipe.producer, MX_PROP_DATAPIPE_WRITE_THRESHOLD,
                                     &threshold, sizeof(threshold)));
    EXPECT_OK(mx_object_set_property(blocks.pipe.consumer, MX_PROP_DATAPIPE_READ_THRESHOLD,
                                     &threshold, sizeof(threshold)));
    for (int i = 0; i < 2; i++)
        EXPECT_EQUAL(thrd_create(&threads[i], write_blocks, &blocks), thrd_success);
    CHECK(expect_blocks(&blocks, count));
    for (int i = 0; i < 2; i++) {
        EXPECT_EQUAL(thrd_join(threads[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    EXPECT_EQUAL(count[0], BLOCKS);
    EXPECT_EQUAL(count[1], BLOCKS);
    pipe_destroy(&blocks.pipe);
}

#define CRUMB 50u
#define CRUMBS 8000u

static int write_crumbs(void* argument) {
    struct blocks* blocks = argument;
    char crumb[CRUMB];
    mx_ssize_t size = 0;
    memset(crumb, 'c', sizeof(crumb));
    for (unsigned i = 0; i < CRUMBS && size >= 0;) {
        size = mx_datapipe_write(blocks->pipe.producer, 0, CRUMB, crumb);
        if (size == CRUMB)
            i++;
        else if (size == ERR_SHOULD_WAIT || size == ERR_OUT_OF_RANGE)
            size = !wait_for(blocks->pipe.producer, MX_SIGNAL_WRITE_THRESHOLD, PATIENCE);
    }
    return size < 0;
}

/* Takes all there is to the end; every run of one letter is made of whole writes. */
static void expect_whole_runs(struct blocks* blocks, size_t totals[2]) {
    static char bytes[80 * CRUMB];
    char letter = 0;
    size_t run = 0;
    for (;;) {
        mx_ssize_t size = mx_datapipe_read(blocks->pipe.consumer, 0, sizeof(bytes), bytes);
        if (size == ERR_SHOULD_WAIT) {
            EXPECT(wait_for(blocks->pipe.consumer, MX_SIGNAL_READABLE, PATIENCE));
            continue;
        }
        EXPECT(size > 0);
        for (mx_ssize_t i = 0; i < size; i++) {
            if (bytes[i] != letter) {
                EXPECT_EQUAL(run % (letter == 'c' ? CRUMB : BLOCK), 0);
                EXPECT(bytes[i] == 'a' || bytes[i] == 'c');
                letter = bytes[i];
                run = 0;
            }
            run++;
            totals[letter == 'c']++;
        }
        if (totals[0] == (size_t)BLOCKS * BLOCK && totals[1] == (size_t)CRUMBS * CRUMB)
            return;
    }
}

TEST(data_pipe_stress, long_and_short_writes_of_two_threads_do_not_mix) {
    struct blocks blocks = {.next_writer = 0};
    const size_t threshold = BLOCK;
    size_t totals[2] = {0, 0};
    thrd_t threads[2];
    int result;
    CHECK(pipe_create(&blocks.pipe, CRUMB, 250000));
    EXPECT_OK(mx_object_set_property(blocks.pipe.producer, MX_PROP_DATAPIPE_WRITE_THRESHOLD,
                                     &threshold, sizeof(threshold)));
    EXPECT_EQUAL(thrd_create(&threads[0], write_blocks, &blocks), thrd_success);
    EXPECT_EQUAL(thrd_create(&threads[1], write_crumbs, &blocks), thrd_success);
    CHECK(expect_whole_runs(&blocks, totals));
    for (int i = 0; i < 2; i++) {
        EXPECT_EQUAL(thrd_join(threads[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    EXPECT_EQUAL(mx_datapipe_read(blocks.pipe.consumer, QUERY, 0, NULL), 0);
    pipe_destroy(&blocks.pipe);
}

/* --- copies that take milliseconds ------------------------------------------------------------ */

#define LONG_SIZE (24ul << 20)

/* A thread that writes so much, zeros and an 'L' at the end, that others can come in between. */
struct long_write {
    struct pipe pipe;
    thrd_t thread;
    char* buffer; /* not in memory yet: it comes page by page, as it is copied */
    atomic_bool has_begun;
    mx_ssize_t result;
};

static int write_long(void* argument) {
    struct long_write* write = argument;
    atomic_store(&write->has_begun, true);
    write->result = mx_datapipe_write(write->pipe.producer, 0, LONG_SIZE, write->buffer);
    return 0;
}

/* Returns when the copy is under way, as a rule. */
static void long_write_start(struct long_write* write) {
    *write = (struct long_write){.buffer = guarded_buffer(LONG_SIZE)};
    EXPECT(write->buffer);
    write->buffer[LONG_SIZE - 1] = 'L';
    CHECK(pipe_create(&write->pipe, 1, LONG_SIZE + 1));
    CHECK(pipe_turn(&write->pipe, 1)); /* the quick way is open from now on */
    EXPECT_EQUAL(thrd_create(&write->thread, write_long, write), thrd_success);
    while (!atomic_load(&write->has_begun))
        thrd_yield();
    sleep_for(ZX_MSEC(2));
}

static void long_write_end(struct long_write* write) {
    guarded_buffer_free(write->buffer, LONG_SIZE);
    pipe_destroy(&write->pipe);
}

TEST(data_pipe_stress, a_short_write_waits_for_a_long_one) {
    struct long_write write;
    char first, last[2];
    CHECK(long_write_start(&write));
    EXPECT_EQUAL(mx_datapipe_write(write.pipe.producer, 0, 1, "x"), 1);
    EXPECT_EQUAL(thrd_join(write.thread, NULL), thrd_success);
    EXPECT_EQUAL(write.result, LONG_SIZE);
    mx_handle_t consumer = write.pipe.consumer;
    EXPECT_EQUAL(mx_datapipe_read(consumer, QUERY, 0, NULL), LONG_SIZE + 1);
    EXPECT_EQUAL(mx_datapipe_read(consumer, 0, 1, &first), 1);
    EXPECT_EQUAL(mx_datapipe_read(consumer, DISCARD, LONG_SIZE - 2, NULL), LONG_SIZE - 2);
    EXPECT_EQUAL(mx_datapipe_read(consumer, 0, 2, last), 2);
    if (first == 'x')
        EXPECT_BYTES(last, "\0L", 2);
    else
        EXPECT_BYTES(last, "Lx", 2);
    long_write_end(&write);
}

TEST(data_pipe_stress, a_long_write_to_a_handle_that_is_closed_meanwhile_writes_nothing) {
    struct long_write write;
    CHECK(long_write_start(&write));
    pipe_close_producer(&write.pipe);
    EXPECT_EQUAL(thrd_join(write.thread, NULL), thrd_success);
    mx_handle_t consumer = write.pipe.consumer;
    mx_ssize_t waiting = mx_datapipe_read(consumer, QUERY, 0, NULL);
    EXPECT(waiting == 0 || waiting == LONG_SIZE); /* it was done before */
    EXPECT_EQUAL(write.result, waiting == 0 ? ERR_BAD_HANDLE : LONG_SIZE);
    if (waiting > 0)
        EXPECT_EQUAL(mx_datapipe_read(consumer, DISCARD, LONG_SIZE, NULL), LONG_SIZE);
    EXPECT_STATUS((mx_status_t)mx_datapipe_read(consumer, 0, 1, &write), ERR_REMOTE_CLOSED);
    EXPECT_EQUAL(object_signals(consumer), MX_SIGNAL_PEER_CLOSED);
    long_write_end(&write);
}

TEST(data_pipe_stress, reading_goes_on_during_a_long_write) {
    struct long_write write;
    char byte = '#';
    CHECK(long_write_start(&write));
    mx_ssize_t size = mx_datapipe_read(write.pipe.consumer, 0, 1, &byte);
    EXPECT(size == ERR_SHOULD_WAIT || size == 1); /* nothing of it, or all of it, is there */
    EXPECT_EQUAL(byte, size == 1 ? '\0' : '#');
    EXPECT_EQUAL(thrd_join(write.thread, NULL), thrd_success);
    EXPECT_EQUAL(write.result, LONG_SIZE);
    EXPECT_EQUAL(mx_datapipe_read(write.pipe.consumer, QUERY, 0, NULL),
                 (mx_ssize_t)LONG_SIZE - (size == 1));
    long_write_end(&write);
}
