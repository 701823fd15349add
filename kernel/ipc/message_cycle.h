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

/* Registers the collector. Called once, at boot. */
void message_cycle_init(void);
/* Looks at the newest suspects, and leaves the others to the cleaner. No lock held. */
void message_cycle_collect(void);
/* Waits until the cleaner has looked at all suspects that there are now, whatever they cost, and
 * what it found is destroyed. Returns early if the caller is killed. No lock held. */
void message_cycle_collect_all(void);
