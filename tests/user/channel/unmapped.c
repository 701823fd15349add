/* Buffers that another thread unmaps and maps again while the kernel copies: a call succeeds as a
 * whole or fails as a whole. */
#include "fixture.h"

#include <magenta/syscalls.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>
#include <zircon/process.h>

#define SIZE ZX_CHANNEL_MAX_MSG_BYTES
#define ROUNDS 200u
#define ROUNDS_MAX 2000u /* unless both outcomes were seen by then: nothing makes them come */
#define CHILD_OPTIONS (ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE)
#define MAP_OPTIONS (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC)

/* A mapping of one VMO that comes and goes, always at the same place. */
struct flicker {
    zx_handle_t vmar, vmo;
    zx_vaddr_t address;
    atomic_bool must_stop;
    thrd_t thread;
};

/* Both states last now and then: CPUs that take turns in one host thread would otherwise let the
 * other thread see only one of them. */
static void pause_in(uint32_t round) {
    if (round % 4 == 0)
        sleep_for(ZX_USEC(200));
    else
        thrd_yield();
}

/* The second half goes first: then copies fail half-way. */
static int come_and_go(void* argument) {
    struct flicker* flicker = argument;
    zx_vaddr_t address;
    for (uint32_t round = 0; !atomic_load(&flicker->must_stop); round++) {
        if (zx_vmar_unmap(flicker->vmar, flicker->address + SIZE / 2, SIZE / 2) != ZX_OK)
            return 1;
        pause_in(round);
        if (zx_vmar_unmap(flicker->vmar, flicker->address, SIZE / 2) != ZX_OK ||
            zx_vmar_map(flicker->vmar, MAP_OPTIONS, 0, flicker->vmo, 0, SIZE, &address) != ZX_OK)
            return 2;
        pause_in(round + 1);
    }
    return 0;
}

static char pattern[SIZE], seen[SIZE];

static void flicker_start(struct flicker* flicker) {
    zx_vaddr_t address;
    for (uint32_t i = 0; i < SIZE; i++)
        pattern[i] = (char)(i * 11 + i / 256);
    atomic_store(&flicker->must_stop, false);
    EXPECT_OK(zx_vmo_create(SIZE, 0, &flicker->vmo));
    EXPECT_OK(zx_vmo_write(flicker->vmo, pattern, 0, SIZE));
    EXPECT_OK(zx_vmar_allocate(zx_vmar_root_self(), CHILD_OPTIONS, 0, SIZE, &flicker->vmar,
                               &flicker->address));
    EXPECT_OK(zx_vmar_map(flicker->vmar, MAP_OPTIONS, 0, flicker->vmo, 0, SIZE, &address));
    EXPECT_EQUAL(thrd_create(&flicker->thread, come_and_go, flicker), thrd_success);
}

static void flicker_stop(struct flicker* flicker) {
    int result;
    atomic_store(&flicker->must_stop, true);
    EXPECT_EQUAL(thrd_join(flicker->thread, &result), thrd_success);
    EXPECT_EQUAL(result, 0);
    EXPECT_OK(zx_vmar_destroy(flicker->vmar));
    EXPECT_OK(zx_handle_close(flicker->vmar));
    EXPECT_OK(zx_handle_close(flicker->vmo));
}

/* How often each of the two outcomes was seen. */
struct outcomes {
    uint32_t good, bad;
};

static bool is_enough(const struct outcomes* outcomes) {
    uint32_t rounds = outcomes->good + outcomes->bad;
    return rounds >= ROUNDS && ((outcomes->good && outcomes->bad) || rounds >= ROUNDS_MAX);
}

/* Not always the same, so that the two threads do not fall into step. */
static void let_it_flicker(const struct outcomes* outcomes) {
    uint32_t rounds = outcomes->good + outcomes->bad;
    if (rounds % 16 == 15)
        sleep_for(ZX_USEC(rounds));
    else
        thrd_yield();
}

static void write_once(const struct generation* generation, const struct fixture* fixture,
                       const void* bytes, zx_handle_t event, struct outcomes* outcomes) {
    zx_handle_t sent = duplicate(event), arrived;
    uint32_t size;
    zx_status_t status = generation->write(fixture->near, 0, bytes, SIZE, &sent, 1);
    if (status == ZX_OK) {
        outcomes->good++;
        EXPECT_OK(zx_channel_read(fixture->far, 0, seen, &arrived, SIZE, 1, &size, NULL));
        EXPECT_EQUAL(size, SIZE);
        EXPECT_BYTES(seen, pattern, SIZE);
        EXPECT_OK(zx_handle_close(arrived));
    } else {
        outcomes->bad++;
        EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(handle_is_valid(sent), !generation->discards);
        zx_handle_close(sent);
        CHECK(expect_empty(fixture->far));
    }
    EXPECT_EQUAL(object_handle_count(event), 1);
}

TEST_BOTH(channel_write, bytes_unmapped_during_the_copy_arrive_whole_or_not_at_all) {
    struct fixture fixture;
    struct flicker flicker;
    struct outcomes outcomes = {0};
    zx_handle_t event;
    CHECK(fixture_create(&fixture));
    EXPECT_OK(zx_event_create(0, &event));
    CHECK(flicker_start(&flicker));
    while (!is_enough(&outcomes)) {
        CHECK(write_once(generation, &fixture, (void*)flicker.address, event, &outcomes));
        let_it_flicker(&outcomes);
    }
    CHECK(flicker_stop(&flicker));
    EXPECT_OK(zx_handle_close(event));
    fixture_destroy(&fixture);
}

/* A read that failed has left the message where it was, handle and all. */
static void read_once(const struct fixture* fixture, const struct flicker* flicker,
                      zx_handle_t event, struct outcomes* outcomes) {
    zx_handle_t handle = duplicate(event);
    uint32_t size = 0, count = 0;
    EXPECT_OK(zx_channel_write(fixture->near, 0, pattern, SIZE, &handle, 1));
    EXPECT_OK(zx_vmo_write(flicker->vmo, "????", SIZE / 2 - 2, 4));
    zx_status_t status =
        zx_channel_read(fixture->far, 0, (void*)flicker->address, &handle, SIZE, 1, &size, &count);
    if (status == ZX_OK) {
        outcomes->good++;
        EXPECT_OK(zx_vmo_read(flicker->vmo, seen, 0, SIZE));
    } else {
        outcomes->bad++;
        EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(size, 0);
        EXPECT_EQUAL(count, 0);
        EXPECT_OK(zx_channel_read(fixture->far, 0, seen, &handle, SIZE, 1, &size, &count));
    }
    EXPECT_EQUAL(size, SIZE);
    EXPECT_EQUAL(count, 1);
    EXPECT_BYTES(seen, pattern, SIZE);
    EXPECT_EQUAL(handle_koid(handle), handle_koid(event));
    EXPECT_OK(zx_handle_close(handle));
    EXPECT_EQUAL(object_handle_count(event), 1);
}

TEST(zx_channel_read, a_buffer_unmapped_during_the_copy_gets_the_message_or_leaves_it) {
    struct fixture fixture;
    struct flicker flicker;
    struct outcomes outcomes = {0};
    zx_handle_t event;
    CHECK(fixture_create(&fixture));
    EXPECT_OK(zx_event_create(0, &event));
    CHECK(flicker_start(&flicker));
    while (!is_enough(&outcomes)) {
        CHECK(read_once(&fixture, &flicker, event, &outcomes));
        let_it_flicker(&outcomes);
    }
    CHECK(flicker_stop(&flicker));
    EXPECT_OK(zx_handle_close(event));
    fixture_destroy(&fixture);
}
