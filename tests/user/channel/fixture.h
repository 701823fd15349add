/* The calls of channels in both generations, and what a failed write leaves. */
#pragma once

#include <channel_fixture.h>
#include <objects.h>
#include <test.h>

/* One generation of the calls. */
struct generation {
    zx_status_t (*create)(uint32_t, zx_handle_t*, zx_handle_t*);
    zx_status_t (*write)(zx_handle_t, uint32_t, const void*, uint32_t, const zx_handle_t*,
                         uint32_t);
    zx_status_t (*read)(zx_handle_t, uint32_t, void*, zx_handle_t*, uint32_t, uint32_t, uint32_t*,
                        uint32_t*);
    bool discards;        /* what a failed write does with the handles */
    zx_status_t repeated; /* the status for the same handle twice */
};
extern const struct generation zx, mx;

/* After a failed write at fixture->near: the channel is as it was, and the handles stayed or are
 * gone as the generation wants it. */
void expect_write_failed(const struct fixture* fixture, const struct generation* generation,
                         zx_status_t status, zx_status_t expected);
