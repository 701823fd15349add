/* For tests that measure the pieces of the cleaner. The calling thread does the cleaner's work, and
 * counts the instructions of each piece. That needs a machine of one CPU that counts time in
 * instructions (docs/testing.md: icount). Elsewhere the pieces are run and nothing is measured. */
#pragma once

#include <stdbool.h>

#include <object/handle_table.h>

/* The cleaner does nothing from here on. False: it cannot be held. */
bool measure_begin(void);
/* Does all work that is requested. Writes a record for each kind of it: its longest piece. A piece
 * above CLEANER_PIECE_INSTRUCTIONS fails the test; debug builds, which check much, may exceed it.
 * `load` is one word. */
void measure_pieces(const char* load);
/* The cleaner works again. */
void measure_end(void);

/* Closes the handle, and leaves what it kept alive to the cleaner. */
void leave_to_cleaner(struct handle handle);
