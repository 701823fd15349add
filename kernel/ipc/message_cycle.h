/* Ends of channels and message pipes that hold each other alive from within their queues.
 *
 * A handle in a queued message keeps its object alive. Sometimes all handles to some ends are in
 * messages that wait at these very ends. Then no program can ever read the messages, and no count
 * ever becomes 0. The simplest case is an end sent into itself through its peer.
 *
 * The collector finds such ends. An end becomes a suspect when one of its handles is closed while
 * handles wait in the queues of its pair. A reply pipe also becomes one when it is sent through
 * itself. The collector looks at all ends that can be reached from a suspect through queues and
 * peers. If no handle outside these queues leads to an end, its messages are destroyed.
 *
 * Who collects:
 *   - The call that closes a handle looks at the newest suspects, a few of them, each with a small
 *     budget. That is enough for the cycles that programs make by mistake.
 *   - The rest is for the cleaner (sched/cleaner.h). It looks at the suspects that the calls left,
 *     and from time to time at all those that needed more than the small budget.
 *
 * So no call works for long because of what other programs do. An end is never collected while a
 * call uses it; a later look tries again. If an end is closed during a look, the call that closes
 * it destroys it, as it would without the look. */
#pragma once

/* Registers the collector. Called once, at boot. */
void message_cycle_init(void);
/* Looks at the newest suspects, and leaves the others to the cleaner. No lock held. */
void message_cycle_collect(void);
/* Waits until the cleaner has looked at all suspects that exist now, and has destroyed what it
 * found. Returns early if the caller is killed. No lock held. */
void message_cycle_collect_all(void);
