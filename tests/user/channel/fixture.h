/* What the channel tests set up: a channel, handles to send, and a look at what became of both. */
#pragma once

#include <cargo.h>
#include <objects.h>
#include <test.h>

#define CHANNEL_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

/* One generation of the calls. */
struct generation {
    zx_status_t (*create)(uint32_t, zx_handle_t*, zx_handle_t*);
    zx_status_t (*write)(zx_handle_t, uint32_t, const void*, uint32_t, const zx_handle_t*,
                         uint32_t);
    zx_status_t (*read)(zx_handle_t, uint32_t, void*, zx_handle_t*, uint32_t, uint32_t, uint32_t*,
                        uint32_t*);
    bool discards;        /* what a failed write does with the handles */
    zx_status_t repeated; /* the answer to the same handle twice */
};
extern const struct generation zx, mx;

/* A channel, and 3 handles to send through it. */
struct fixture {
    zx_handle_t near, far;
    struct cargo cargo;
};
void fixture_create(struct fixture* fixture);
void fixture_destroy(struct fixture* fixture);

/* Nothing waits at `end`, and its peer is open. */
void expect_empty(zx_handle_t end);
/* After a failed write: the handles are discarded, or stay, as the generation wants it. */
void expect_fate(const struct cargo* cargo, const struct generation* generation);
/* After a failed write at fixture->near: the channel is as it was, and the handles stayed or are
 * gone as the generation wants it. */
void expect_write_failed(const struct fixture* fixture, const struct generation* generation,
                         zx_status_t status, zx_status_t expected);
