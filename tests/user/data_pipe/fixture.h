/* What the tests of data pipes share. */
#pragma once

#include <magenta/syscalls.h>
#include <magenta/syscalls/datapipe.h>
#include <magenta/syscalls/object.h>
#include <objects.h>
#include <test.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define PRODUCER_RIGHTS (MX_RIGHT_TRANSFER | MX_RIGHT_READ | MX_RIGHT_WRITE | MX_RIGHT_WAIT)
#define CONSUMER_RIGHTS (MX_RIGHT_TRANSFER | MX_RIGHT_READ | MX_RIGHT_WAIT)
#define ALL_OR_NONE MX_DATAPIPE_READ_FLAG_ALL_OR_NONE
#define DISCARD MX_DATAPIPE_READ_FLAG_DISCARD
#define QUERY MX_DATAPIPE_READ_FLAG_QUERY
#define PEEK MX_DATAPIPE_READ_FLAG_PEEK

#define WRITABLE (MX_SIGNAL_WRITABLE | MX_SIGNAL_WRITE_THRESHOLD)
#define READABLE (MX_SIGNAL_READABLE | MX_SIGNAL_READ_THRESHOLD)

/* The most any test has waiting in a pipe whose contents it keeps. */
#define CONTENTS_MAX 256

/* Most tests use a pipe of four elements of four bytes. */
#define ELEMENT 4
#define CAPACITY 16
extern const char alphabet[33];

struct pipe {
    mx_handle_t producer, consumer;
};

void pipe_create(struct pipe* pipe, size_t element_size, size_t capacity);
/* Closes what is still open. */
void pipe_destroy(struct pipe* pipe);
void pipe_close_producer(struct pipe* pipe);
void pipe_close_consumer(struct pipe* pipe);
/* Moves both ends of an empty pipe `distance` bytes on. */
void pipe_turn(struct pipe* pipe, size_t distance);

/* Writes all of it, at once. */
void pipe_fill(struct pipe* pipe, const void* bytes, size_t size);
/* The waiting bytes are these, all of them; they stay. */
void expect_waiting(const struct pipe* pipe, const void* bytes, size_t size);
/* The same, and they are gone afterwards. */
void expect_read(struct pipe* pipe, const void* bytes, size_t size);

/* Begin a two-phase write (read). NULL if the call did not return `expected` bytes. */
char* begin_write(const struct pipe* pipe, mx_ssize_t expected);
const char* begin_read(const struct pipe* pipe, mx_ssize_t expected);

/* Everything that a failed call may not change: what waits, and the signals of both ends. */
struct snapshot {
    mx_signals_t producer_signals, consumer_signals;
    mx_ssize_t size;
    char bytes[CONTENTS_MAX];
};
void snapshot_take(const struct pipe* pipe, struct snapshot* snapshot);
void expect_unchanged(const struct pipe* pipe, const struct snapshot* snapshot);

/* Replaces the handle by one without `removed`. */
void remove_rights(mx_handle_t* handle, mx_rights_t removed);
/* Sends the handle into a channel of its own and takes it out again: a new value, no window. */
void send_and_receive(mx_handle_t* handle);
/* Can the program read (write) the byte there? The kernel tries it. */
bool is_mapped(const void* address);
bool is_mapped_writable(void* address);

/* A byte pattern that differs from one place to the next. */
void fill_pattern(void* bytes, size_t size, unsigned seed);
