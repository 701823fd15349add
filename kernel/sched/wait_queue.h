/* Wait queues, on top of thread_park.
 *
 * Rules for wait queues:
 * - Code first changes the data that a condition reads, then wakes. The waiter checks its condition
 *   under the queue's lock, and the wake takes the same lock.
 * - A condition runs with the queue's lock held and interrupts off. It may take only locks of later
 *   classes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/list.h>
#include <lock/spinlock.h>

struct thread;

struct wait_queue {
    struct spinlock lock; /* WAIT_QUEUE: guards `waiters` */
    struct list waiters;  /* in order of arrival */
};

#define WAIT_QUEUE_INITIALIZER(queue) \
    { SPINLOCK_INITIALIZER(LOCK_WAIT_QUEUE), LIST_INITIALIZER((queue).waiters) }

void wait_queue_init(struct wait_queue* queue);
/* Blocks until `condition(argument)` returns true (OK), until the deadline (TIMED_OUT), or until
 * the thread is killed (CANCELED). The condition is called under the queue's lock, before each
 * block and after each wake. */
zx_status_t wait_queue_wait(struct wait_queue* queue, bool (*condition)(void*), void* argument,
                            zx_time_t deadline);
/* wait_queue_wait without a deadline, for waits that a kill must not end. */
void wait_queue_wait_uninterruptible(struct wait_queue* queue, bool (*condition)(void*),
                                     void* argument);
/* Wakes the first waiters, `limit` at most. They check their conditions again. Any context. */
void wait_queue_wake(struct wait_queue* queue, size_t limit);
#define WAKE_ALL SIZE_MAX
/* Wakes the first waiter, with the queue's lock held. Returns its thread; NULL: no thread waits. */
struct thread* wait_queue_wake_first_locked(struct wait_queue* queue);
