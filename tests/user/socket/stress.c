/* Many threads at one socket. */
#include "fixture.h"

#include <race.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>

/* --- a stream keeps its order ----------------------------------------------------------------- */

#define STREAM_BYTES (4ul << 20)

static int write_stream(void* argument) {
    zx_handle_t end = *(const zx_handle_t*)argument;
    size_t done = 0, actual;
    for (uint32_t step = 1; done < STREAM_BYTES; step = step * 1103515245 + 12345) {
        size_t size = 1 + step % 60000;
        size = size < STREAM_BYTES - done ? size : STREAM_BYTES - done;
        zx_status_t status =
            zx_socket_write(end, 0, pattern((unsigned)(done % 251), size), size, &actual);
        if (status == ZX_OK)
            done += actual;
        else if (status == ZX_ERR_SHOULD_WAIT)
            zx_object_wait_one(end, ZX_SOCKET_WRITABLE, ZX_TIME_INFINITE, NULL);
        else
            return 1;
    }
    return 0;
}

TEST(socket_stress, a_long_stream_keeps_its_order) {
    struct pair pair;
    thrd_t thread;
    int result;
    CHECK(pair_create(&pair, &zx, STREAM));
    EXPECT_EQUAL(thrd_create(&thread, write_stream, &pair.near), thrd_success);
    size_t done = 0, actual;
    for (uint32_t step = 7; done < STREAM_BYTES; step = step * 1103515245 + 12345) {
        zx_status_t status = zx_socket_read(pair.far, 0, scratch(), 1 + step % 70000, &actual);
        if (status == ZX_ERR_SHOULD_WAIT) {
            EXPECT(wait_for(pair.far, ZX_SOCKET_READABLE, ZX_SEC(60)));
            continue;
        }
        EXPECT_OK(status);
        EXPECT_BYTES(scratch(), pattern((unsigned)(done % 251), actual), actual);
        done += actual;
    }
    EXPECT_EQUAL(done, STREAM_BYTES);
    EXPECT_EQUAL(thrd_join(thread, &result), thrd_success);
    EXPECT_EQUAL(result, 0);
    CHECK(expect_empty(pair.far));
    pair_close(&pair);
}

/* --- datagrams: nothing lost, nothing twice, nothing torn ------------------------------------- */

#define WRITERS 4
#define READERS 3
#define LETTERS 2000u /* of each writer */
#define LETTER_WORDS_MAX 300u

struct letter {
    uint32_t writer, number, count;
    uint32_t words[LETTER_WORDS_MAX];
};

struct traffic {
    struct pair pair;
    atomic_uint next_writer, received, faults;
    atomic_uchar seen[WRITERS][LETTERS];
};

static size_t letter_size(const struct letter* letter) {
    return offsetof(struct letter, words) + letter->count * sizeof(letter->words[0]);
}

static void letter_fill(struct letter* letter) {
    letter->count = (letter->number * 37 + letter->writer) % LETTER_WORDS_MAX;
    for (uint32_t i = 0; i < letter->count; i++)
        letter->words[i] = letter->number * 1000 + letter->writer;
}

static bool letter_is_whole(const struct letter* letter, size_t size) {
    if (size < offsetof(struct letter, words) || letter->writer >= WRITERS ||
        letter->number >= LETTERS || size != letter_size(letter))
        return false;
    for (uint32_t i = 0; i < letter->count; i++)
        if (letter->words[i] != letter->number * 1000 + letter->writer)
            return false;
    return true;
}

static int write_letters(void* argument) {
    struct traffic* traffic = argument;
    struct letter letter = {.writer = atomic_fetch_add(&traffic->next_writer, 1)};
    while (letter.number < LETTERS) {
        letter_fill(&letter);
        zx_status_t status =
            zx_socket_write(traffic->pair.near, 0, &letter, letter_size(&letter), NULL);
        if (status == ZX_OK)
            letter.number++;
        else if (status == ZX_ERR_SHOULD_WAIT) /* WRITABLE may be shown: room, but not enough */
            zx_nanosleep(zx_clock_get_monotonic() + ZX_USEC(200));
        else
            return 1;
    }
    return 0;
}

static void take_letter(struct traffic* traffic, const struct letter* letter, size_t size,
                        uint32_t* next) {
    if (!letter_is_whole(letter, size) || letter->number < next[letter->writer] ||
        atomic_fetch_add(&traffic->seen[letter->writer][letter->number], 1) != 0)
        atomic_fetch_add(&traffic->faults, 1);
    else
        next[letter->writer] = letter->number + 1;
    atomic_fetch_add(&traffic->received, 1);
}

static int read_letters(void* argument) {
    struct traffic* traffic = argument;
    uint32_t next[WRITERS] = {0};
    struct letter letter;
    size_t size;
    for (;;) {
        zx_status_t status = zx_socket_read(traffic->pair.far, 0, &letter, sizeof(letter), &size);
        if (status == ZX_OK)
            take_letter(traffic, &letter, size, next);
        else if (status == ZX_ERR_PEER_CLOSED)
            return 0;
        else if (status != ZX_ERR_SHOULD_WAIT)
            return 1;
        else
            zx_object_wait_one(traffic->pair.far, ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED,
                               ZX_TIME_INFINITE, NULL);
    }
}

TEST(socket_stress, many_writers_and_readers_lose_no_datagram_and_tear_none) {
    struct traffic* traffic = calloc(1, sizeof(*traffic));
    thrd_t writers[WRITERS], readers[READERS];
    int result;
    EXPECT(traffic);
    CHECK(pair_create(&traffic->pair, &zx, DATAGRAM));
    for (int i = 0; i < READERS; i++)
        EXPECT_EQUAL(thrd_create(&readers[i], read_letters, traffic), thrd_success);
    for (int i = 0; i < WRITERS; i++)
        EXPECT_EQUAL(thrd_create(&writers[i], write_letters, traffic), thrd_success);
    for (int i = 0; i < WRITERS; i++) {
        EXPECT_EQUAL(thrd_join(writers[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    EXPECT_OK(zx_socket_write(traffic->pair.near, HALF_CLOSE, NULL, 0, NULL));
    for (int i = 0; i < READERS; i++) {
        EXPECT_EQUAL(thrd_join(readers[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    EXPECT_EQUAL(atomic_load(&traffic->received), WRITERS * LETTERS);
    EXPECT_EQUAL(atomic_load(&traffic->faults), 0);
    pair_close(&traffic->pair);
    free(traffic);
}

/* --- close against everything else ------------------------------------------------------------ */

static int write_size(const struct race* race, size_t size) {
    size_t actual = UNTOUCHED;
    zx_status_t status = zx_socket_write(race->near, 0, pattern(0, size), size, &actual);
    if (actual != (status == ZX_OK ? size : UNTOUCHED))
        return 1;
    return !is_one_of(status, ZX_ERR_BAD_HANDLE, ZX_ERR_PEER_CLOSED, ZX_ERR_BAD_STATE);
}

static int race_write(struct race* race) {
    return write_size(race, 64);
}

static int race_write_much(struct race* race) {
    return write_size(race, 50000);
}

static int race_read(struct race* race) {
    char bytes[5000];
    size_t actual;
    zx_status_t status = zx_socket_read(race->near, 0, bytes, sizeof(bytes), &actual);
    return !is_one_of(status, ZX_ERR_BAD_HANDLE, ZX_ERR_PEER_CLOSED, ZX_OK);
}

static int race_half_close(struct race* race) {
    zx_status_t status = zx_socket_write(race->near, HALF_CLOSE, NULL, 0, NULL);
    return !is_one_of(status, ZX_ERR_BAD_HANDLE, ZX_ERR_PEER_CLOSED, ZX_OK);
}

static void create(struct race* race, int round) {
    EXPECT_OK(zx_socket_create(round % 2 ? DATAGRAM : STREAM, &race->near, &race->far));
    CHECK(put(race->far, pattern(1, 3000), 3000));
}

#define RACE(name, first, second)               \
    TEST(socket_stress, name) {                 \
        CHECK(race_run(create, first, second)); \
    }

RACE(close_against_write, race_close, race_write)
RACE(close_against_a_large_write, race_close, race_write_much)
RACE(close_against_read, race_close, race_read)
RACE(close_against_wait, race_close, race_wait)
RACE(close_against_half_close, race_close, race_half_close)
RACE(close_against_transfer, race_close, race_transfer)
RACE(close_of_the_peer_against_write, race_close_peer, race_write)
RACE(close_of_the_peer_against_a_large_write, race_close_peer, race_write_much)
RACE(close_of_the_peer_against_read, race_close_peer, race_read)
RACE(close_of_the_peer_against_wait, race_close_peer, race_wait)
RACE(close_of_the_peer_against_half_close, race_close_peer, race_half_close)
RACE(close_of_both_ends, race_close, race_close_peer)
RACE(half_close_against_write, race_half_close, race_write)
RACE(transfer_against_write, race_transfer, race_write)
RACE(transfer_against_read, race_transfer, race_read)
RACE(transfer_against_wait, race_transfer, race_wait)
