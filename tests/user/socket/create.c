/* socket_create: options, what the ends are, bad places for the handles. */
#include "fixture.h"

#include <create_pair.h>

static const uint32_t kinds[] = {STREAM, DATAGRAM};

TEST_BOTH(socket_create, makes_two_connected_ends) {
    for (size_t i = 0; i < countof(kinds); i++)
        CHECK(expect_two_ends(generation->create, kinds[i], ZX_OBJ_TYPE_SOCKET, SOCKET_RIGHTS,
                              ZX_SOCKET_WRITABLE));
}

TEST_BOTH(socket_create, unknown_options_are_invalid_args) {
    static const uint32_t unknown[] = {1, 3, 4, 6, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < countof(unknown); i++)
        CHECK(expect_options_refused(generation->create, unknown[i], ZX_ERR_INVALID_ARGS));
}

TEST_BOTH(socket_create, bad_out_pointers_are_invalid_args_and_leak_nothing) {
    for (size_t i = 0; i < countof(kinds); i++)
        CHECK(expect_bad_places_refused(generation->create, kinds[i]));
}

static void create_and_use(void) {
    struct pair pair;
    CHECK(pair_create(&pair, &zx, STREAM));
    CHECK(put(pair.near, pattern(1, CAPACITY), CAPACITY));
    CHECK(put(pair.far, pattern(2, 5000), 5000));
    CHECK(expect_read(pair.near, pattern(2, 100), 100));
    pair_close(&pair);
}

/* Bytes that nobody read go with the ends. */
TEST(zx_socket_create, a_thousand_filled_sockets_leave_no_memory_behind) {
    CHECK(create_and_use());
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 1000; i++)
        CHECK(create_and_use());
    CHECK(expect_no_leak(&before, 16));
}
