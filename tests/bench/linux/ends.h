/* What messages go through: what is written to `in` is read from `out`. */
#pragma once

struct ends {
    int in, out;
};

struct ends ends_create_pipe(void);
struct ends ends_create_seqpacket(void);
struct ends ends_create_stream(void);
struct ends ends_create_eventfd(void);
void ends_close(struct ends ends);
