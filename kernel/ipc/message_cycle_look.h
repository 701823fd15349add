/* One look of the collector of cycles at the ends that can be reached from its suspects; only
 * kernel/ipc/message_cycle.c uses it.
 *
 * A small look takes one suspect, has a small budget and is done at once, with preemption off. One
 * is under way at a time. A large look has no budget; the cleaner does it piece by piece, and one
 * is under way at a time. A small and a large look do not share any state but the ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ipc/message_end_state.h>

#define LOOK_SMALL_BUDGET 64u /* units: to look, and to destroy what was found */
#define LOOK_SMALL_ENDS 64u
#define LOOK_COST_OF_PAGE 64u /* units that a small look counts for a page of messages */

enum look_phase {
    LOOK_REACH,
    LOOK_FIND_ROOTS,
    LOOK_MARK,
    LOOK_CONFIRM,
    LOOK_EMPTY,
    LOOK_OVER,
};

struct look {
    bool is_small;
    bool is_conclusive; /* once OVER: the dead ends are empty, all other ends are live */
    enum look_phase phase;
    uint64_t number;
    struct cycle_visit* first; /* the ends reached; the look pins each */
    struct cycle_visit* last;
    size_t reach_cost; /* cost of the first phase; in a small look also of destroying all */
    /* How far the phase has come: */
    struct cycle_visit* at;
    struct cycle_visit* live;
    struct message* message; /* the next one in the queue of `at` */
    bool is_in_queue;
    size_t chunk;             /* units for the next step */
    struct message* messages; /* taken out of the dead ends, for the caller to destroy */
};

void look_begin(struct look* look, bool is_small);
/* Takes the end into the look, as a suspect, and pins it. */
void look_add_suspect(struct look* look, struct message_end* end);
/* Goes on until the units are used up. True: the look is OVER. */
bool look_go_on(struct look* look, int64_t* units);

/* Returns the ends of a small look that is over, and their number. The caller must unpin them.
 * Afterwards the next small look may begin. */
size_t look_take_small_ends(struct message_end* ends[LOOK_SMALL_ENDS]);
