/* The ends that the collector of cycles has to look at (message_cycle.h). A fresh suspect waits for
 * its first look; an old one needs more than a small look, and waits for the next pass. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_end;
struct object;

/* Notes an end as a suspect. Any lock may be held, except one of class LEAF. The end need not stay
 * alive. */
void message_cycle_note(struct object* end);
/* Forgets the end for good. Called by its destructor. */
void message_cycle_forget(struct object* end);
/* --- for message_cycle.c ------------------------------------------------------------------------
 */

/* Begins a small look: returns the newest or the oldest fresh suspect, pinned. NULL: there is none,
 * or another small look is under way. */
struct message_end* suspects_begin_small_look(bool is_newest);
/* Ends the small look. Returns whether there is another fresh suspect. */
bool suspects_end_small_look(void);
/* Puts the end among the old suspects, unless it was noted again or destroyed meanwhile. */
void suspects_keep(struct message_end* end, uint32_t weight);
/* Begins a pass over the old suspects if one is due. A full pass takes the fresh ones too. No pass
 * begins during a small look, which may put its suspect back. */
bool suspects_begin_pass(bool* is_full);
/* Returns the next suspect of the pass, pinned; NULL: there are no more. */
struct message_end* suspects_take_for_pass(void);
void suspects_end_pass(size_t cost);
/* Makes the next pass a full one. Returns its number among the full passes; the first one is 1. */
uint32_t suspects_want_full_pass(void);
/* Whether there are fresh suspects, or a pass is due. */
bool suspects_are_left(void);

/* For tests: how many suspects wait for their first look, and the weight of the old ones. */
size_t message_cycle_fresh_count(void);
size_t message_cycle_old_weight(void);
