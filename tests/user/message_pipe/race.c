/* Two threads at one reply pipe: close against everything else. */
#include "fixture.h"

#include <race.h>

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
    TEST(msgpipe_race, name) {                  \
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
