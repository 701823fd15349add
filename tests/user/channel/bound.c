/* The bound of a queue: how much waits at an end, and how a writer waits for room. */
#include "kinds.h"

#include <objects.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>
#include <zircon/threads.h>

#define MESSAGES_MAX 10000u
#define BYTES_MAX (32u << 20)
#define HANDLE_BYTES 16u /* what a handle counts */
#define MESSAGE_BYTES 65536u

/* Reads one message, into room for the largest. */
static zx_status_t drain_one(const struct kind* kind, zx_handle_t end, void* bytes) {
    zx_handle_t handles[64];
    uint32_t size = MESSAGE_BYTES, count = countof(handles);
    zx_status_t status = kind->read(end, bytes, &size, handles, &count);
    if (status == ZX_OK)
        zx_handle_close_many(handles, count);
    return status;
}

/* --- messages --------------------------------------------------------------------------------- */

TEST_KINDS(ten_thousand_messages_wait_at_an_end) {
    zx_handle_t ends[2];
    uint32_t word, size = sizeof(word), none = 0;
    EXPECT_OK(kind->create(ends));
    for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
        EXPECT_EQUAL(object_signals(ends[0]), ZX_OBJECT_WRITABLE);
        EXPECT_OK(kind->write(ends[0], &i, sizeof(i), NULL, 0));
    }
    EXPECT_EQUAL(object_signals(ends[0]), 0);
    EXPECT_STATUS(kind->write(ends[0], "x", 1, NULL, 0), ZX_ERR_NO_MEMORY);
    EXPECT_STATUS(kind->write(ends[0], NULL, 0, NULL, 0), ZX_ERR_NO_MEMORY);
    /* Each read makes room for one. */
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_OK(kind->read(ends[1], &word, &size, NULL, &none));
        EXPECT_EQUAL(word, i);
        EXPECT_EQUAL(object_signals(ends[0]), ZX_OBJECT_WRITABLE);
        EXPECT_OK(kind->write(ends[0], &i, sizeof(i), NULL, 0));
        EXPECT_EQUAL(object_signals(ends[0]), 0);
        EXPECT_STATUS(kind->write(ends[0], "x", 1, NULL, 0), ZX_ERR_NO_MEMORY);
    }
    for (uint32_t i = 3; i < MESSAGES_MAX + 3; i++) {
        EXPECT_OK(kind->read(ends[1], &word, &size, NULL, &none));
        EXPECT_EQUAL(word, i < MESSAGES_MAX ? i : i - MESSAGES_MAX);
    }
    EXPECT_EQUAL(object_signals(ends[1]), ZX_OBJECT_WRITABLE);
    EXPECT_OK(zx_handle_close_many(ends, 2));
}

/* --- bytes and handles ------------------------------------------------------------------------ */

/* Whether the machine has so much memory that the bound comes first. */
static bool has_memory_for_bytes(void) {
    return kernel_memory().free_pages > BYTES_MAX / PAGE_SIZE_BYTES * 5 / 4;
}

/* Fills the queue with messages of `size` bytes and `handles` handles. */
static void fill(const struct kind* kind, zx_handle_t end, const void* bytes, uint32_t size,
                 zx_handle_t event, uint32_t handle_count, uint32_t* count) {
    zx_handle_t handles[64];
    zx_status_t status = ZX_OK;
    for (*count = 0; status == ZX_OK; (*count)++) {
        for (uint32_t i = 0; i < handle_count; i++)
            handles[i] = duplicate(event);
        status = kind->write(end, bytes, size, handles, handle_count);
    }
    (*count)--;
    EXPECT_STATUS(status, ZX_ERR_NO_MEMORY);
    for (uint32_t i = 0; i < handle_count; i++)
        (void)zx_handle_close(handles[i]); /* zx has closed them */
}

/* Nothing more is taken once the bound is reached or passed, not even a message of nothing. */
TEST_KINDS(bytes_and_handles_have_a_bound_of_their_own) {
    static const struct {
        uint32_t size, handles;
    } cases[] = {{MESSAGE_BYTES, 0}, {MESSAGE_BYTES - 1, 0}, {MESSAGE_BYTES, 64}};
    if (!has_memory_for_bytes())
        SKIP("the machine has not the memory");
    zx_handle_t event, ends[2];
    char* bytes = calloc(1, MESSAGE_BYTES);
    EXPECT(bytes);
    EXPECT_OK(zx_event_create(0, &event));
    for (size_t i = 0; i < countof(cases); i++) {
        uint32_t each = cases[i].size + cases[i].handles * HANDLE_BYTES, count;
        EXPECT_OK(kind->create(ends));
        CHECK(fill(kind, ends[0], bytes, cases[i].size, event, cases[i].handles, &count));
        EXPECT_EQUAL(count, (BYTES_MAX + each - 1) / each);
        EXPECT_EQUAL(object_signals(ends[0]), 0);
        EXPECT_STATUS(kind->write(ends[0], NULL, 0, NULL, 0), ZX_ERR_NO_MEMORY);
        EXPECT_OK(drain_one(kind, ends[1], bytes));
        EXPECT_EQUAL(object_signals(ends[0]), ZX_OBJECT_WRITABLE);
        EXPECT_OK(kind->write(ends[0], "x", 1, NULL, 0));
        EXPECT_OK(zx_handle_close_many(ends, 2));
    }
    /* At once, or a moment later if the cleaner was just looking at the ends. */
    CHECK(wait_until_handle_count(event, 1));
    EXPECT_OK(zx_handle_close(event));
    free(bytes);
}

/* One read that makes no room shows none: a small message before many large ones. */
TEST_KINDS(a_read_that_makes_no_room_shows_none) {
    if (!has_memory_for_bytes())
        SKIP("the machine has not the memory");
    zx_handle_t ends[2];
    uint32_t count;
    char* bytes = calloc(1, MESSAGE_BYTES);
    EXPECT(bytes);
    EXPECT_OK(kind->create(ends));
    for (int i = 0; i < 3; i++)
        EXPECT_OK(kind->write(ends[0], "s", 1, NULL, 0));
    CHECK(fill(kind, ends[0], bytes, MESSAGE_BYTES, ZX_HANDLE_INVALID, 0, &count));
    EXPECT_EQUAL(count, BYTES_MAX / MESSAGE_BYTES);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQUAL(object_signals(ends[0]), 0);
        EXPECT_STATUS(kind->write(ends[0], NULL, 0, NULL, 0), ZX_ERR_NO_MEMORY);
        EXPECT_OK(drain_one(kind, ends[1], bytes));
    }
    EXPECT_EQUAL(object_signals(ends[0]), 0); /* exactly at the bound is full */
    EXPECT_OK(drain_one(kind, ends[1], bytes));
    EXPECT_EQUAL(object_signals(ends[0]), ZX_OBJECT_WRITABLE);
    EXPECT_OK(zx_handle_close_many(ends, 2));
    free(bytes);
}

/* --- waiting for room ------------------------------------------------------------------------- */

enum { WRITERS = 3, EACH_WRITES = 8000 };

struct crowd {
    const struct kind* kind;
    zx_handle_t ends[2];
    atomic_uint next_writer, faults, waits;
};

static int write_all(void* argument) {
    struct crowd* crowd = argument;
    uint32_t number = atomic_fetch_add(&crowd->next_writer, 1);
    for (uint32_t i = 0; i < EACH_WRITES; i++) {
        const uint32_t letter[2] = {number, i};
        zx_status_t status;
        while ((status = crowd->kind->write(crowd->ends[0], letter, sizeof(letter), NULL, 0)) ==
               ZX_ERR_NO_MEMORY) {
            atomic_fetch_add(&crowd->waits, 1);
            zx_object_wait_one(crowd->ends[0], ZX_OBJECT_WRITABLE, ZX_TIME_INFINITE, NULL);
        }
        if (status != ZX_OK)
            atomic_fetch_add(&crowd->faults, 1);
    }
    return 0;
}

/* Every writer is in order, and none waits for ever. */
TEST_KINDS(writers_that_wait_for_room_all_come_through) {
    struct crowd crowd = {.kind = kind};
    thrd_t threads[WRITERS];
    uint32_t next[WRITERS] = {0};
    EXPECT_OK(kind->create(crowd.ends));
    for (int i = 0; i < WRITERS; i++)
        EXPECT_EQUAL(thrd_create(&threads[i], write_all, &crowd), thrd_success);
    for (int i = 0; i < WRITERS; i++)
        wait_until_blocked(thrd_get_zx_handle(threads[i]));
    EXPECT_EQUAL(object_signals(crowd.ends[0]), 0);
    for (int i = 0; i < WRITERS * EACH_WRITES; i++) {
        uint32_t letter[2], size = sizeof(letter), none = 0;
        EXPECT(wait_for(crowd.ends[1], ZX_OBJECT_READABLE, ZX_SEC(60)));
        EXPECT_OK(kind->read(crowd.ends[1], letter, &size, NULL, &none));
        EXPECT(letter[0] < WRITERS);
        EXPECT_EQUAL(letter[1], next[letter[0]]);
        next[letter[0]]++;
    }
    for (int i = 0; i < WRITERS; i++)
        EXPECT_EQUAL(thrd_join(threads[i], NULL), thrd_success);
    EXPECT_EQUAL(atomic_load(&crowd.faults), 0);
    EXPECT(atomic_load(&crowd.waits) >= 2); /* one may have written all before the queue was full */
    EXPECT_OK(zx_handle_close_many(crowd.ends, 2));
}
