/* Ends of channels and message pipes that hold each other alive from within their queues.
 *
 * A handle in a queued message keeps its object alive. When the ends of some pairs are named only
 * by messages that wait at these very ends (the simplest case: an end sent into itself through its
 * peer), nobody can ever read them, and no count ever falls to 0. Such ends are collected: whenever
 * a handle of an end goes whose pair has handles waiting, and other handles to the end remain, or
 * when an end is sent in a message of its own (a reply pipe), the ends that can be reached from it
 * through queues are looked at, and those that no handle outside leads to give up their messages:
 * small cycles at once, large ones together with others after some time, which bounds what they
 * keep.
 *
 * An end is never collected while a call that uses it is under way; it is then looked at again
 * later. No call waits for a collection that another thread does. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <lib/list.h>

struct message_end;
struct object;

/* The collector's own, in every end. */
struct cycle_node {
    struct list_node suspect_node; /* under the suspects' lock */
    bool was_noted;
    /* Of the collection under way: */
    struct message_end* next;
    struct message_end* next_live;
    uint64_t collection;          /* the last one that looked at the end */
    uint32_t inner_handles;       /* handles to it in the queues looked at */
    uint32_t taken, message_room; /* the queue's counts when it was looked at */
    bool is_live, is_old_suspect;
};

extern _Atomic bool cycle_is_suspected; /* some end was noted since the last collection */

/* Notes an end as a suspect; any lock below LEAF may be held. It need not stay alive. */
void cycle_note(struct object* end);
/* Forgets it; for its destructor. */
void cycle_forget(struct object* end);
/* Looks at the suspects, if any were noted since the last time. No lock held. */
void cycle_collect(void);
/* Looks at those that are left from earlier times, too. */
void cycle_collect_all(void);
