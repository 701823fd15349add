#include "fixture.h"

#include <magenta/syscalls.h>

const struct generation zx = {zx_channel_create, zx_channel_write, zx_channel_read, true,
                              ZX_ERR_BAD_HANDLE};
const struct generation mx = {mx_channel_create, mx_channel_write, mx_channel_read, false,
                              MX_ERR_INVALID_ARGS};

void fixture_create(struct fixture* fixture) {
    EXPECT_OK(zx_channel_create(0, &fixture->near, &fixture->far));
    cargo_create(&fixture->cargo, 3);
}

void fixture_destroy(struct fixture* fixture) {
    zx_handle_close(fixture->near);
    zx_handle_close(fixture->far);
    cargo_destroy(&fixture->cargo);
}

void expect_empty(zx_handle_t end) {
    char byte = 'u';
    uint32_t bytes = 7, handles = 7;
    EXPECT_STATUS(zx_channel_read(end, 0, &byte, NULL, 1, 0, &bytes, &handles), ZX_ERR_SHOULD_WAIT);
    EXPECT_EQUAL(byte, 'u');
    EXPECT_EQUAL(bytes, 7);
    EXPECT_EQUAL(handles, 7);
    EXPECT_EQUAL(object_signals(end), ZX_CHANNEL_WRITABLE);
}

void expect_fate(const struct cargo* cargo, const struct generation* generation) {
    if (generation->discards)
        CHECK(cargo_expect_discarded(cargo));
    else
        CHECK(cargo_expect_kept(cargo));
}

void expect_write_failed(const struct fixture* fixture, const struct generation* generation,
                         zx_status_t status, zx_status_t expected) {
    EXPECT_STATUS(status, expected);
    CHECK(expect_fate(&fixture->cargo, generation));
    EXPECT_EQUAL(handle_rights(fixture->near), CHANNEL_RIGHTS);
    EXPECT_EQUAL(object_handle_count(fixture->near), 1);
    CHECK(expect_empty(fixture->near));
    CHECK(expect_empty(fixture->far));
}
