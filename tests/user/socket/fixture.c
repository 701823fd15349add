#include "fixture.h"

const struct generation zx = {zx_socket_create, zx_socket_write, zx_socket_read};
const struct generation mx = {mx_socket_create, mx_socket_write, mx_socket_read};

void pair_create(struct pair* pair, const struct generation* generation, uint32_t options) {
    EXPECT_OK(generation->create(options, &pair->near, &pair->far));
}

void pair_close(const struct pair* pair) {
    zx_handle_close(pair->near);
    zx_handle_close(pair->far);
}

#define PATTERN_PERIOD 251u

const char* pattern(unsigned seed, size_t size) {
    static char bytes[CAPACITY + 1 + PATTERN_PERIOD];
    if (!bytes[1])
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)(i % PATTERN_PERIOD);
    return size <= CAPACITY + 1 ? bytes + seed % PATTERN_PERIOD : NULL;
}

char* scratch(void) {
    static char bytes[CAPACITY + 1];
    return bytes;
}

size_t waiting(zx_handle_t end) {
    size_t size = UNTOUCHED;
    zx_status_t status = zx_socket_read(end, 0, NULL, 0, &size);
    return status == ZX_OK ? size : SIZE_MAX;
}

void put(zx_handle_t end, const void* bytes, size_t size) {
    size_t actual = UNTOUCHED;
    EXPECT_OK(zx_socket_write(end, 0, bytes, size, &actual));
    EXPECT_EQUAL(actual, size);
}

void expect_read(zx_handle_t end, const void* bytes, size_t size) {
    char* buffer = scratch();
    size_t actual = UNTOUCHED;
    memset(buffer, 0xee, size + 1);
    EXPECT_OK(zx_socket_read(end, 0, buffer, size, &actual));
    EXPECT_EQUAL(actual, size);
    EXPECT_BYTES(buffer, bytes, size);
    EXPECT_EQUAL((unsigned char)buffer[size], 0xee);
}

void expect_no_read(zx_handle_t end, zx_status_t expected) {
    char byte = 'u';
    size_t actual = UNTOUCHED;
    zx_signals_t before = object_signals(end);
    EXPECT_STATUS(zx_socket_read(end, 0, &byte, 1, &actual), expected);
    EXPECT_EQUAL(byte, 'u');
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_EQUAL(object_signals(end), before);
}

void expect_empty(zx_handle_t end) {
    EXPECT_EQUAL(waiting(end), 0);
    EXPECT_EQUAL(object_signals(end) & (ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED), 0);
    CHECK(expect_no_read(end, ZX_ERR_SHOULD_WAIT));
}

void expect_no_write(zx_handle_t end, zx_status_t expected) {
    size_t actual = UNTOUCHED;
    zx_signals_t before = object_signals(end);
    EXPECT_STATUS(zx_socket_write(end, 0, "x", 1, &actual), expected);
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_EQUAL(object_signals(end), before);
}
