/* Many threads at one queue: nothing is lost, nothing comes twice, and the order of each writer is
 * kept. */
#include "kinds.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>

#define WRITERS 4
#define READERS 4
#define MESSAGES 3000u /* of each writer */

struct traffic {
    const struct kind* kind;
    zx_handle_t ends[2];
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
        zx_status_t status =
            traffic->kind->write(traffic->ends[0], &letter, sizeof(letter), NULL, 0);
        if (status == ZX_OK)
            letter.number++;
        else if (status == ZX_ERR_NO_MEMORY) /* full: wait for room */
            zx_object_wait_one(traffic->ends[0], ZX_OBJECT_WRITABLE, ZX_TIME_INFINITE, NULL);
        else
            return 1;
    }
    return 0;
}

/* A reader sees each writer's numbers ascend. */
static int read_letters(void* argument) {
    struct traffic* traffic = argument;
    uint32_t next[WRITERS] = {0};
    for (;;) {
        struct letter letter;
        uint32_t size = sizeof(letter), none = 0;
        zx_status_t status = traffic->kind->read(traffic->ends[1], &letter, &size, NULL, &none);
        if (status == ZX_ERR_PEER_CLOSED)
            return 0;
        if (status == ZX_ERR_SHOULD_WAIT) {
            zx_object_wait_one(traffic->ends[1], ZX_OBJECT_READABLE | ZX_OBJECT_PEER_CLOSED,
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

TEST_KINDS(many_writers_and_readers_lose_nothing_and_double_nothing) {
    struct traffic* traffic = calloc(1, sizeof(*traffic));
    thrd_t writers[WRITERS], readers[READERS];
    EXPECT(traffic);
    traffic->kind = kind;
    EXPECT_OK(kind->create(traffic->ends));
    for (int i = 0; i < READERS; i++)
        EXPECT_EQUAL(thrd_create(&readers[i], read_letters, traffic), thrd_success);
    for (int i = 0; i < WRITERS; i++)
        EXPECT_EQUAL(thrd_create(&writers[i], write_letters, traffic), thrd_success);
    int result = 0;
    for (int i = 0; i < WRITERS; i++) {
        EXPECT_EQUAL(thrd_join(writers[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    EXPECT_OK(zx_handle_close(traffic->ends[0]));
    for (int i = 0; i < READERS; i++)
        EXPECT_EQUAL(thrd_join(readers[i], NULL), thrd_success);
    EXPECT_EQUAL(atomic_load(&traffic->received), WRITERS * MESSAGES);
    EXPECT_EQUAL(atomic_load(&traffic->faults), 0);
    EXPECT_OK(zx_handle_close(traffic->ends[1]));
    free(traffic);
}
