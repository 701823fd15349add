/* Two threads at one channel: close against everything else. */
#include "fixture.h"

#include <magenta/syscalls.h>
#include <race.h>

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
    TEST(channel_race, name) {                  \
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
