/* What the socket tests set up, and a look at what a socket holds. */
#pragma once

#include <magenta/syscalls.h>
#include <objects.h>
#include <test.h>

#define SOCKET_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)
#define CAPACITY ((size_t)SOCKET_CAPACITY_BYTES)
#define STREAM ZX_SOCKET_STREAM
#define DATAGRAM ZX_SOCKET_DATAGRAM
#define HALF_CLOSE ZX_SOCKET_HALF_CLOSE
#define UNTOUCHED ((size_t)0x7777)

/* One generation's spelling of the calls. */
struct generation {
    zx_status_t (*create)(uint32_t, zx_handle_t*, zx_handle_t*);
    zx_status_t (*write)(zx_handle_t, uint32_t, const void*, size_t, size_t*);
    zx_status_t (*read)(zx_handle_t, uint32_t, void*, size_t, size_t*);
};
extern const struct generation zx, mx;

struct pair {
    zx_handle_t near, far;
};
void pair_create(struct pair* pair, const struct generation* generation, uint32_t options);
void pair_close(const struct pair* pair);

/* `size` bytes, different for each `seed`, that do not repeat with any power of two. */
const char* pattern(unsigned seed, size_t size);
/* A place for up to CAPACITY + 1 bytes. */
char* scratch(void);

/* How many bytes wait at `end`. */
size_t waiting(zx_handle_t end);
/* Writes all of the bytes at once. */
void put(zx_handle_t end, const void* bytes, size_t size);
/* The next read takes exactly these bytes. */
void expect_read(zx_handle_t end, const void* bytes, size_t size);
/* A read fails so, and changes nothing. */
void expect_no_read(zx_handle_t end, zx_status_t expected);
/* Nothing waits at `end`, and its peer is open. */
void expect_empty(zx_handle_t end);
/* A write of one byte fails so, and changes nothing. */
void expect_no_write(zx_handle_t end, zx_status_t expected);
