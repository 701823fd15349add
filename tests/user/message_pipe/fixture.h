/* What the message pipe tests set up: a pipe, handles to send, and a look at what became of both.
 */
#pragma once

#include <cargo.h>
#include <magenta/syscalls.h>
#include <magenta/syscalls/msgpipe.h>
#include <objects.h>
#include <test.h>

#define PIPE_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)
#define HANDLES_MAX 64
#define SENT_MAX (HANDLES_MAX + 1)

/* Which end of which kind of pipe a test writes to. */
enum kind {
    PLAIN_FIRST,       /* handles[0] of an ordinary pipe */
    PLAIN_SECOND,      /* its handles[1] */
    OPPOSITE_OF_REPLY, /* handles[0] of a pipe whose other end is a reply pipe */
    REPLY,             /* that one */
    KINDS,
};

/* `near` is written to, `far` is read from. */
struct fixture {
    enum kind kind;
    mx_handle_t near, far;
    struct cargo cargo; /* 3 handles */
};
void fixture_create(struct fixture* fixture, enum kind kind);
void fixture_destroy(struct fixture* fixture);

/* Writes "x" and `count` handles to the near end, and its own handle last if it is a reply pipe. */
mx_status_t fixture_write(const struct fixture* fixture, const mx_handle_t* handles,
                          uint32_t count);

/* Nothing waits at `end`, and its peer is open. */
void expect_empty(mx_handle_t end);
/* The pipe is as it was made, the cargo has stayed. */
void expect_unchanged(const struct fixture* fixture);

/* One row for all four kinds of end. */
#define FOR_ALL_KINDS(kind) for (enum kind kind = 0; kind < KINDS; kind++)
