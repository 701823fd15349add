/* What the channel tests set up: a channel, handles to send, and a look at what became of both. */
#pragma once

#include <objects.h>
#include <test.h>

#define CHANNEL_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)
#define CARGO_MAX 64

/* One generation of the call. */
struct generation {
    zx_status_t (*write)(zx_handle_t, uint32_t, const void*, uint32_t, const zx_handle_t*,
                         uint32_t);
    bool discards;        /* what a failed call does with the handles */
    zx_status_t repeated; /* the answer to the same handle twice */
};
extern const struct generation zx, mx;

/* Handles to send: each is one end of a channel, whose other end is the witness of its release. */
struct cargo {
    uint32_t count;
    zx_handle_t handles[CARGO_MAX];
    zx_handle_t witnesses[CARGO_MAX];
};
void cargo_create(struct cargo* cargo, uint32_t count);
void cargo_expect_kept(const struct cargo* cargo);
void cargo_expect_discarded(const struct cargo* cargo);
/* Not in our table any more, but alive. */
void cargo_expect_travelling(const struct cargo* cargo);
void cargo_destroy(struct cargo* cargo);

/* A channel, and 3 handles to send through it. */
struct fixture {
    zx_handle_t near, far;
    struct cargo cargo;
};
void fixture_create(struct fixture* fixture);
void fixture_destroy(struct fixture* fixture);

/* Nothing waits at `end`, and its peer is open. */
void expect_empty(zx_handle_t end);
/* After a failed write at fixture->near: the channel is as it was, and the handles stayed or are
 * gone as the generation wants it. */
void expect_write_failed(const struct fixture* fixture, const struct generation* generation,
                         zx_status_t status, zx_status_t expected);
