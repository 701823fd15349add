/* Two things that happen to one pair of ends at the same moment.
 *
 *     static void create(struct race* race, int round) { ... makes race->near and race->far ... }
 *     static int race_write(struct race* race) {
 *         zx_status_t status = zx_channel_write(race->near, 0, "x", 1, NULL, 0);
 *         return !is_one_of(status, ZX_ERR_BAD_HANDLE, ZX_ERR_PEER_CLOSED, ZX_OK);
 *     }
 *
 *     TEST(channel_race, close_against_write) {
 *         CHECK(race_run(create, race_close, race_write));
 *     } */
#pragma once

#include <meeting.h>
#include <stdbool.h>
#include <zircon/syscalls.h>

/* The two ends of something, in each round another. */
struct race {
    zx_handle_t near, far;
    int (*action)(struct race* race); /* of the other thread */
    struct meeting start;
};
/* Returns 0 if the call returned an allowed status. */
typedef int (*race_action_t)(struct race* race);

/* Has two threads begin the two actions at the same moment, time and again. Both ends are closed
 * after each round, unless an action did it. Fails the test unless all actions return 0 and the
 * rounds leave nothing behind. */
void race_run(void (*create)(struct race* race, int round), race_action_t first,
              race_action_t second);

/* --- actions ---------------------------------------------------------------------------------- */

/* Close the near end, which another thread may have closed or sent; the far end, which none has. */
int race_close(struct race* race);
int race_close_peer(struct race* race);
/* Sends the near end through a channel that is closed at once. */
int race_transfer(struct race* race);
/* Waits for a moment until the far end is closed. */
int race_wait(struct race* race);

/* ZX_OK, or one of these. */
bool is_one_of(zx_status_t status, zx_status_t first, zx_status_t second, zx_status_t third);
