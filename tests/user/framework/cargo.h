/* Handles to send: each is one end of a channel, whose other end is the witness of its release. */
#pragma once

#include <zircon/syscalls.h>

#define CARGO_MAX 64

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
