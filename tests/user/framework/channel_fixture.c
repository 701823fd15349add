#include "channel_fixture.h"
#include "objects.h"
#include "test.h"

void fixture_create(struct fixture* fixture) {
    EXPECT_OK(zx_channel_create(0, &fixture->near, &fixture->far));
    cargo_create(&fixture->cargo, 3);
}

void fixture_destroy(struct fixture* fixture) {
    zx_handle_close(fixture->near);
    zx_handle_close(fixture->far);
    cargo_destroy(&fixture->cargo);
}

void fixture_close_far(struct fixture* fixture) {
    EXPECT_OK(zx_handle_close(fixture->far));
    fixture->far = ZX_HANDLE_INVALID;
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

void fill_queue(zx_handle_t end) {
    for (uint32_t i = 0; i < CHANNEL_MAX_QUEUED_MESSAGES; i++)
        EXPECT_OK(zx_channel_write(end, 0, "m", 1, NULL, 0));
    EXPECT_STATUS(zx_channel_write(end, 0, "m", 1, NULL, 0), ZX_ERR_NO_MEMORY);
    EXPECT_EQUAL(object_signals(end) & ZX_CHANNEL_WRITABLE, 0);
}
