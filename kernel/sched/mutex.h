/* Mutexes: locks for which a thread sleeps. Waiters get the mutex in order of arrival.
 *
 * Rules for mutexes:
 * - mutex_lock is not called with a spinlock held, nor in an interrupt.
 * - A thread does not lock a mutex that it holds.
 * - mutex_lock can fail: a killed thread stops waiting and does not get the mutex. */
#pragma once

#include <abi/types.h>
#include <lib/compiler.h>
#include <sched/wait_queue.h>

struct mutex {
    struct wait_queue queue;
    struct thread* holder; /* under the queue's lock; NULL: free, and no thread waits */
};

void mutex_init(struct mutex* mutex);
/* Returns OK; or CANCELED, without the mutex: the thread was killed while it waited. */
MUST_CHECK zx_status_t mutex_lock(struct mutex* mutex);
void mutex_unlock(struct mutex* mutex);
