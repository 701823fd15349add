/* Many threads at one message pipe, and close against everything else. */
#include "fixture.h"

#include <race.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>

#define WRITERS 3
#define READERS 3
#define MESSAGES 1000u /* of each writer */

/* --- nothing lost, nothing twice, each writer's order kept -------------------------------- */

struct traffic {
    mx_handle_t ends[2];
    atomic_uint next_writer, received, faults;
    atomic_uchar seen[WRITERS][MESSAGES];
};

struct letter {
    uint32_t writer, number;
};

static int write_letters(void* argument) {
    struct traffic* traffic = argument;
    struct letter letter = {atomic_fetch_add(&traffic->next_writer, 1), 0};
    while (letter.number < MESSAGES) {
        mx_status_t status =
            mx_msgpipe_write(traffic->ends[0], &letter, sizeof(letter), NULL, 0, 0);
        if (status == NO_ERROR)
            letter.number++;
        else if (status == ERR_NO_MEMORY) /* full: wait for room */
            mx_handle_wait_one(traffic->ends[0], MX_SIGNAL_WRITABLE, MX_TIME_INFINITE, NULL);
        else
            return 1;
    }
    return 0;
}

static int read_letters(void* argument) {
    struct traffic* traffic = argument;
    uint32_t next[WRITERS] = {0};
    for (;;) {
        struct letter letter;
        uint32_t size = sizeof(letter);
        mx_status_t status = mx_msgpipe_read(traffic->ends[1], &letter, &size, NULL, NULL, 0);
        if (status == ERR_REMOTE_CLOSED)
            return 0;
        if (status == ERR_SHOULD_WAIT) {
            mx_handle_wait_one(traffic->ends[1], MX_SIGNAL_READABLE | MX_SIGNAL_PEER_CLOSED,
                               MX_TIME_INFINITE, NULL);
            continue;
        }
        if (status != NO_ERROR || letter.writer >= WRITERS || letter.number >= MESSAGES ||
            letter.number < next[letter.writer] ||
            atomic_fetch_add(&traffic->seen[letter.writer][letter.number], 1) != 0)
            atomic_fetch_add(&traffic->faults, 1);
        else
            next[letter.writer] = letter.number + 1;
        atomic_fetch_add(&traffic->received, 1);
    }
}

TEST(msgpipe_stress, many_writers_and_readers_lose_nothing_and_double_nothing) {
    struct traffic* traffic = calloc(1, sizeof(*traffic));
    thrd_t writers[WRITERS], readers[READERS];
    EXPECT(traffic);
    EXPECT_STATUS(mx_msgpipe_create(traffic->ends, 0), NO_ERROR);
    for (int i = 0; i < READERS; i++)
        EXPECT_EQUAL(thrd_create(&readers[i], read_letters, traffic), thrd_success);
    for (int i = 0; i < WRITERS; i++)
        EXPECT_EQUAL(thrd_create(&writers[i], write_letters, traffic), thrd_success);
    int result = 0;
    for (int i = 0; i < WRITERS; i++) {
        EXPECT_EQUAL(thrd_join(writers[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    EXPECT_STATUS(mx_handle_close(traffic->ends[0]), NO_ERROR);
    for (int i = 0; i < READERS; i++)
        EXPECT_EQUAL(thrd_join(readers[i], NULL), thrd_success);
    EXPECT_EQUAL(atomic_load(&traffic->received), WRITERS * MESSAGES);
    EXPECT_EQUAL(atomic_load(&traffic->faults), 0);
    EXPECT_STATUS(mx_handle_close(traffic->ends[1]), NO_ERROR);
    free(traffic);
}

/* --- two actions at one reply pipe at the same moment ------------------------------------- */

static int race_write(struct race* race) {
    mx_status_t status = mx_msgpipe_write(race->near, "x", 1, &race->near, 1, 0);
    return status != NO_ERROR && status != ERR_INVALID_ARGS && status != ERR_BAD_STATE;
}

/* The reply pipe's own handle may arrive, or the message that waits may be read by somebody else.
 */
static int race_read(struct race* race) {
    char byte;
    mx_handle_t handle = MX_HANDLE_INVALID;
    uint32_t size = 1, count = 1;
    mx_status_t status = mx_msgpipe_read(race->far, &byte, &size, &handle, &count, 0);
    if (status == NO_ERROR && count == 1)
        mx_handle_close(handle);
    return status != NO_ERROR && status != ERR_SHOULD_WAIT && status != ERR_REMOTE_CLOSED &&
           status != ERR_BAD_HANDLE;
}

static int race_wait_2016(struct race* race) {
    mx_status_t status = mx_handle_wait_one(race->near, MX_SIGNAL_PEER_CLOSED, MX_MSEC(1), NULL);
    return status != NO_ERROR && status != ERR_TIMED_OUT && status != ERR_HANDLE_CLOSED &&
           status != ERR_BAD_HANDLE;
}

static int race_send(struct race* race) {
    mx_handle_t ends[2];
    mx_msgpipe_create(ends, 0);
    mx_status_t status = mx_msgpipe_write(ends[0], NULL, 0, &race->near, 1, 0);
    mx_handle_close_many(ends, 2);
    return status != NO_ERROR && status != ERR_INVALID_ARGS;
}

/* The near end is the reply pipe. */
static void create(struct race* race, int round) {
    mx_handle_t ends[2] = {0, 0};
    (void)round;
    EXPECT_STATUS(mx_msgpipe_create(ends, MX_FLAG_REPLY_PIPE), NO_ERROR);
    race->far = ends[0];
    race->near = ends[1];
}

#define RACE(name, first, second)               \
    TEST(msgpipe_stress, name) {                \
        CHECK(race_run(create, first, second)); \
    }

RACE(close_against_write, race_close, race_write)
RACE(close_against_wait, race_close, race_wait_2016)
RACE(close_against_transfer, race_close, race_send)
RACE(close_of_the_other_end_against_write, race_close_peer, race_write)
RACE(close_of_the_other_end_against_read, race_close_peer, race_read)
RACE(close_of_the_other_end_against_transfer, race_close_peer, race_send)
RACE(write_against_read, race_write, race_read)
RACE(write_against_write, race_write, race_write)
RACE(write_against_wait, race_write, race_wait_2016)
RACE(write_against_transfer, race_write, race_send)
RACE(transfer_against_transfer, race_send, race_send)
