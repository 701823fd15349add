/* Handles to send: each is one end of a channel, whose other end is the witness of its release. */
#pragma once

#include <stdbool.h>
#include <zircon/syscalls.h>

#define CARGO_MAX 64

struct cargo {
    uint32_t count;
    zx_handle_t handles[CARGO_MAX];
    zx_handle_t witnesses[CARGO_MAX];
};
void cargo_create(struct cargo* cargo, uint32_t count);
/* Each handle names the end it did from the beginning, and is the only one to it. */
void cargo_expect_kept(const struct cargo* cargo);
void cargo_expect_discarded(const struct cargo* cargo);
/* What a generation does with the handles when a call fails: they are discarded, or kept. */
void cargo_expect_fate(const struct cargo* cargo, bool is_discarded);
/* Not in our table any more, but alive. */
void cargo_expect_travelling(const struct cargo* cargo);
void cargo_destroy(struct cargo* cargo);
