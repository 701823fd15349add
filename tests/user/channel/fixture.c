#include "fixture.h"

#include <magenta/syscalls.h>

const struct generation zx = {zx_channel_create, zx_channel_write, zx_channel_read, true,
                              ZX_ERR_BAD_HANDLE};
const struct generation mx = {mx_channel_create, mx_channel_write, mx_channel_read, false,
                              MX_ERR_INVALID_ARGS};

void expect_write_failed(const struct fixture* fixture, const struct generation* generation,
                         zx_status_t status, zx_status_t expected) {
    EXPECT_STATUS(status, expected);
    CHECK(cargo_expect_fate(&fixture->cargo, generation->discards));
    EXPECT_EQUAL(handle_rights(fixture->near), CHANNEL_RIGHTS);
    EXPECT_EQUAL(object_handle_count(fixture->near), 1);
    CHECK(expect_empty(fixture->near));
    CHECK(expect_empty(fixture->far));
}
