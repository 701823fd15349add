#include "race.h"
#include "objects.h"
#include "test.h"

#include <magenta/syscalls.h>
#include <threads.h>

#define ROUNDS 300
#define PAGE_SLACK 16

static int run_action(void* argument) {
    struct race* race = argument;
    meet(&race->start);
    return race->action(race);
}

static void run_rounds(void (*create)(struct race* race, int round), race_action_t first,
                       race_action_t second) {
    for (int round = 0; round < ROUNDS; round++) {
        struct race race = {.action = first};
        thrd_t thread;
        int result;
        CHECK(create(&race, round));
        EXPECT_EQUAL(thrd_create(&thread, run_action, &race), thrd_success);
        meet(&race.start);
        EXPECT_EQUAL(second(&race), 0);
        EXPECT_EQUAL(thrd_join(thread, &result), thrd_success);
        EXPECT_EQUAL(result, 0);
        zx_handle_close(race.near);
        zx_handle_close(race.far);
    }
}

void race_run(void (*create)(struct race* race, int round), race_action_t first,
              race_action_t second) {
    CHECK(run_rounds(create, first, second)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(run_rounds(create, first, second));
    CHECK(expect_no_leak(&before, PAGE_SLACK));
}

/* --- actions ---------------------------------------------------------------------------------- */

bool is_one_of(zx_status_t status, zx_status_t first, zx_status_t second, zx_status_t third) {
    return status == ZX_OK || status == first || status == second || status == third;
}

int race_close(struct race* race) {
    return !is_one_of(zx_handle_close(race->near), ZX_ERR_BAD_HANDLE, ZX_OK, ZX_OK);
}

int race_close_peer(struct race* race) {
    return zx_handle_close(race->far) != ZX_OK;
}

int race_transfer(struct race* race) {
    zx_handle_t ends[2];
    zx_channel_create(0, &ends[0], &ends[1]);
    zx_status_t status = mx_channel_write(ends[0], 0, NULL, 0, &race->near, 1);
    zx_handle_close_many(ends, 2);
    return !is_one_of(status, ZX_ERR_BAD_HANDLE, ZX_OK, ZX_OK);
}

int race_wait(struct race* race) {
    zx_status_t status = zx_object_wait_one(race->near, ZX_OBJECT_PEER_CLOSED,
                                            zx_clock_get_monotonic() + ZX_MSEC(1), NULL);
    return !is_one_of(status, ZX_ERR_BAD_HANDLE, ZX_ERR_CANCELED, ZX_ERR_TIMED_OUT);
}
