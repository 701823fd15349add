/* channel_create: the two ends, and its errors. */
#include "fixture.h"

#include <create_pair.h>

TEST_BOTH(channel_create, makes_two_connected_ends) {
    CHECK(expect_two_ends(generation->create, 0, ZX_OBJ_TYPE_CHANNEL, CHANNEL_RIGHTS,
                          ZX_CHANNEL_WRITABLE));
}

TEST_BOTH(channel_create, options_are_invalid_args) {
    static const uint32_t unknown[] = {1, 2, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < countof(unknown); i++)
        CHECK(expect_options_refused(generation->create, unknown[i], ZX_ERR_INVALID_ARGS));
}

TEST_BOTH(channel_create, bad_out_pointers_are_invalid_args_and_leak_nothing) {
    CHECK(expect_bad_places_refused(generation->create, 0));
}
