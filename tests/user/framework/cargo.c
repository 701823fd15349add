#include "cargo.h"
#include "objects.h"
#include "test.h"

#define CARGO_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

void cargo_create(struct cargo* cargo, uint32_t count) {
    cargo->count = count;
    for (uint32_t i = 0; i < count; i++)
        EXPECT_OK(zx_channel_create(0, &cargo->handles[i], &cargo->witnesses[i]));
}

void cargo_expect_kept(const struct cargo* cargo) {
    for (uint32_t i = 0; i < cargo->count; i++) {
        EXPECT_EQUAL(handle_rights(cargo->handles[i]), CARGO_RIGHTS);
        EXPECT_EQUAL(handle_related_koid(cargo->handles[i]), handle_koid(cargo->witnesses[i]));
        EXPECT_EQUAL(object_signals(cargo->witnesses[i]), ZX_CHANNEL_WRITABLE);
        EXPECT_EQUAL(object_handle_count(cargo->handles[i]), 1);
    }
}

void cargo_expect_discarded(const struct cargo* cargo) {
    for (uint32_t i = 0; i < cargo->count; i++) {
        EXPECT(!handle_is_valid(cargo->handles[i]));
        EXPECT_EQUAL(object_signals(cargo->witnesses[i]), ZX_CHANNEL_PEER_CLOSED);
    }
}

void cargo_expect_fate(const struct cargo* cargo, bool is_discarded) {
    if (is_discarded)
        cargo_expect_discarded(cargo);
    else
        cargo_expect_kept(cargo);
}

void cargo_expect_travelling(const struct cargo* cargo) {
    for (uint32_t i = 0; i < cargo->count; i++) {
        EXPECT(!handle_is_valid(cargo->handles[i]));
        EXPECT_EQUAL(object_signals(cargo->witnesses[i]), ZX_CHANNEL_WRITABLE);
    }
}

void cargo_destroy(struct cargo* cargo) {
    zx_handle_close_many(cargo->handles, cargo->count);
    zx_handle_close_many(cargo->witnesses, cargo->count);
}
