/* Ends of channels and message pipes that hold each other alive from within their queues.
 *
 * A handle in a queued message keeps its object alive. When the ends of some pairs are named only
 * by messages that wait at these very ends, nobody can ever read them, and no count ever falls
 * to 0. The simplest case is an end sent into itself through its peer.
 *
 * The collector finds such ends. An end becomes a suspect when one of its handles is closed while
 * handles wait in the queues of its pair, and when it is sent in a message of its own (a reply
 * pipe). The collector looks at all ends that can be reached from a suspect through queues and
 * peers. If no handle outside leads to an end, its messages are destroyed.
 *
 * Who collects:
 *   - The call that closes a handle looks at the newest suspects, a few of them, each with a small
 *     budget. That is enough for the cycles that programs make by mistake.
 *   - The rest is for the cleaner (sched/cleaner.h). It looks at the suspects that the calls left,
 *     and from time to time at all those that needed more than the small budget.
 *
 * So no call works for long because of what others do. An end is never collected while a call that
 * uses it is under way; it is then looked at again later. An end that is closed while the collector
 * looks at it is destroyed by the call that closes it, as if nobody looked. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/list.h>

struct message_end;
struct object;

/* What one look found out about one end. */
struct cycle_visit {
    struct message_end* end;
    struct cycle_visit* next;      /* in the order found */
    struct cycle_visit* next_live; /* whose queue is still to be followed */
    uint32_t inner_handles;        /* handles to the end in the queues looked at */
    uint32_t taken, message_room;  /* the queue's counts when it was looked at */
    bool is_live, is_suspect;
};

/* The collector's part of every end. */
struct cycle_node {
    struct list_node suspect_node; /* under the suspects' lock, as the two below */
    uint32_t weight;               /* what it adds to the weight of the old suspects */
    bool was_noted, is_fresh, is_forgotten;
    /* Who keeps the memory: the looks, and the end itself until it is destroyed. */
    _Atomic uint32_t pins;
    uint8_t small_index;      /* its place in the small look, if it has one there */
    uint64_t number;          /* of the last large look at the end */
    struct cycle_visit visit; /* of that look */
};

/* Notes an end as a suspect; any lock below LEAF may be held. It need not stay alive. */
void message_cycle_note(struct object* end);
/* Forgets it for good; for its destructor. */
void message_cycle_forget(struct object* end);
/* Looks at the newest suspects, and leaves the others to the cleaner. No lock held. */
void message_cycle_collect(void);
/* Waits until the cleaner has looked at all suspects that there are now, whatever they cost, and
 * what it found is destroyed. Returns early if the caller is killed. No lock held. */
void message_cycle_collect_all(void);

/* For tests: how many suspects wait for their first look, and the weight of the old ones. */
size_t message_cycle_fresh_count(void);
size_t message_cycle_old_weight(void);
