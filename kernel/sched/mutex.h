/* Mutexes: locks for which a thread sleeps. Waiters get the mutex in order of arrival.
 *
 * Rules for mutexes:
 * - Not with a spinlock held, and not in an interrupt.
 * - Not twice by one thread.
 * - mutex_lock can fail: a killed thread stops waiting and does not get the mutex. */
#pragma once

#include <abi/types.h>
#include <lib/compiler.h>
#include <sched/wait_queue.h>

struct mutex {
    struct wait_queue queue;
    struct thread* holder; /* under the queue's lock; NULL: free, and nobody waits */
};

void mutex_init(struct mutex* mutex);
/* OK; or CANCELED, without the mutex: the thread was killed while it waited. */
MUST_CHECK zx_status_t mutex_lock(struct mutex* mutex);
void mutex_unlock(struct mutex* mutex);
