/* Many threads at one channel. */
#include "fixture.h"

#include <race.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>

#define WRITERS 4
#define READERS 4
#define MESSAGES 3000u /* of each writer */

/* --- nothing lost, nothing twice, each writer's order kept ------------------------------------ */

struct traffic {
    zx_handle_t near, far;
    atomic_uint next_writer;
    atomic_uint received;
    atomic_uint faults;
    atomic_uchar seen[WRITERS][MESSAGES];
};

struct letter {
    uint32_t writer, number;
};

static int write_letters(void* argument) {
    struct traffic* traffic = argument;
    struct letter letter = {atomic_fetch_add(&traffic->next_writer, 1), 0};
    while (letter.number < MESSAGES) {
        zx_status_t status = zx_channel_write(traffic->near, 0, &letter, sizeof(letter), NULL, 0);
        if (status == ZX_OK)
            letter.number++;
        else if (status == ZX_ERR_NO_MEMORY) /* full: wait for room */
            zx_object_wait_one(traffic->near, ZX_CHANNEL_WRITABLE, ZX_TIME_INFINITE, NULL);
        else
            return 1;
    }
    return 0;
}

/* A reader sees each writer's numbers ascend. */
static int read_letters(void* argument) {
    struct traffic* traffic = argument;
    uint32_t next[WRITERS] = {0};
    struct letter letter;
    for (;;) {
        zx_status_t status =
            zx_channel_read(traffic->far, 0, &letter, NULL, sizeof(letter), 0, NULL, NULL);
        if (status == ZX_ERR_PEER_CLOSED)
            return 0;
        if (status == ZX_ERR_SHOULD_WAIT) {
            zx_object_wait_one(traffic->far, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED,
                               ZX_TIME_INFINITE, NULL);
            continue;
        }
        if (status != ZX_OK || letter.writer >= WRITERS || letter.number >= MESSAGES ||
            letter.number < next[letter.writer] ||
            atomic_fetch_add(&traffic->seen[letter.writer][letter.number], 1) != 0)
            atomic_fetch_add(&traffic->faults, 1);
        else
            next[letter.writer] = letter.number + 1;
        atomic_fetch_add(&traffic->received, 1);
    }
}

TEST(channel_stress, many_writers_and_readers_lose_nothing_and_double_nothing) {
    struct traffic* traffic = calloc(1, sizeof(*traffic));
    thrd_t writers[WRITERS], readers[READERS];
    EXPECT(traffic);
    EXPECT_OK(zx_channel_create(0, &traffic->near, &traffic->far));
    for (int i = 0; i < READERS; i++)
        EXPECT_EQUAL(thrd_create(&readers[i], read_letters, traffic), thrd_success);
    for (int i = 0; i < WRITERS; i++)
        EXPECT_EQUAL(thrd_create(&writers[i], write_letters, traffic), thrd_success);
    int result = 0;
    for (int i = 0; i < WRITERS; i++) {
        EXPECT_EQUAL(thrd_join(writers[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    EXPECT_OK(zx_handle_close(traffic->near));
    for (int i = 0; i < READERS; i++)
        EXPECT_EQUAL(thrd_join(readers[i], NULL), thrd_success);
    EXPECT_EQUAL(atomic_load(&traffic->received), WRITERS * MESSAGES);
    EXPECT_EQUAL(atomic_load(&traffic->faults), 0);
    EXPECT_OK(zx_handle_close(traffic->far));
    free(traffic);
}

/* --- close against everything else ------------------------------------------------------------ */

static int race_write(struct race* race) {
    zx_handle_t event;
    zx_event_create(0, &event);
    zx_status_t status = zx_channel_write(race->near, 0, "x", 1, &event, 1);
    if (handle_is_valid(event))
        return 1; /* sent or discarded: never ours */
    return !is_one_of(status, ZX_ERR_BAD_HANDLE, ZX_ERR_PEER_CLOSED, ZX_OK);
}

static int race_read(struct race* race) {
    char byte;
    zx_handle_t handle;
    uint32_t bytes, handles;
    zx_status_t status = zx_channel_read(race->near, 0, &byte, &handle, 1, 1, &bytes, &handles);
    if (status == ZX_OK && handles == 1)
        zx_handle_close(handle);
    return !is_one_of(status, ZX_ERR_BAD_HANDLE, ZX_ERR_PEER_CLOSED, ZX_ERR_SHOULD_WAIT);
}

static void create(struct race* race, int round) {
    (void)round;
    EXPECT_OK(zx_channel_create(0, &race->near, &race->far));
    EXPECT_OK(zx_channel_write(race->far, 0, "y", 1, NULL, 0));
}

#define RACE(name, first, second)               \
    TEST(channel_stress, name) {                \
        CHECK(race_run(create, first, second)); \
    }

RACE(close_against_write, race_close, race_write)
RACE(close_against_read, race_close, race_read)
RACE(close_against_wait, race_close, race_wait)
RACE(close_against_transfer, race_close, race_transfer)
RACE(close_of_the_peer_against_write, race_close_peer, race_write)
RACE(close_of_the_peer_against_read, race_close_peer, race_read)
RACE(close_of_the_peer_against_wait, race_close_peer, race_wait)
RACE(close_of_the_peer_against_transfer, race_close_peer, race_transfer)
RACE(close_against_close_of_the_peer, race_close, race_close_peer)
RACE(close_against_close, race_close, race_close)
RACE(write_against_read, race_write, race_read)
RACE(transfer_against_read, race_transfer, race_read)
RACE(transfer_against_write, race_transfer, race_write)
RACE(transfer_against_wait, race_transfer, race_wait)
RACE(transfer_against_transfer, race_transfer, race_transfer)
