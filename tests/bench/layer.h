/* What the measuring needs of the system under it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Ticks from the system's first instruction (Linux: from power-on) to now. */
uint64_t layer_ticks_since_boot(void);
/* A record on the port that the host listens to (docs/testing.md). */
void layer_report(const char* record, size_t size);
/* A character that the host typed. */
char layer_read_character(void);
/* The nearest thing to a channel: what is written to `in` is read from `out`. */
struct layer_pair {
    int in, out;
};
void layer_pair_create(struct layer_pair* pair);
/* Writes 64 bytes and reads as many; 0: done. */
int64_t layer_pair_exchange(const struct layer_pair* pair);
void layer_pair_close(const struct layer_pair* pair);
/* Switches the machine off. */
_Noreturn void layer_exit(unsigned status);
