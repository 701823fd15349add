/* What the programs that test channels set up: a channel, and handles to send through it. */
#pragma once

#include <cargo.h>
#include <zircon/syscalls.h>

#define CHANNEL_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

struct fixture {
    zx_handle_t near, far;
    struct cargo cargo; /* 3 handles */
};
void fixture_create(struct fixture* fixture);
/* Closes what is still open. */
void fixture_destroy(struct fixture* fixture);
void fixture_close_far(struct fixture* fixture);

/* Nothing waits at `end`, and its peer is open. */
void expect_empty(zx_handle_t end);
/* Writes to `end` until its peer's queue is full. */
void fill_queue(zx_handle_t end);
