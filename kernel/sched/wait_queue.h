/* Wait queues and mutexes, on top of thread_park. */
#pragma once

#include <stdbool.h>

#include <abi/types.h>
#include <lib/compiler.h>
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
/* Blocks until `condition(argument)` holds (OK), the deadline (TIMED_OUT) or a kill (CANCELED). The
 * condition is looked at under the queue's lock before each block, and after each wake. */
zx_status_t wait_queue_wait(struct wait_queue* queue, bool (*condition)(void*), void* argument,
                            zx_time_t deadline);
/* Make the first waiter, or all, look at their conditions again. Any context. */
void wait_queue_wake_one(struct wait_queue* queue);
void wait_queue_wake_all(struct wait_queue* queue);

/* A mutex: sleeps while it is contended and is handed over in order of arrival. It may not be taken
 * with a spinlock held or in an interrupt, nor twice by one thread. */
struct mutex {
    struct wait_queue queue; /* its lock guards `holder` */
    struct thread* holder;   /* NULL: free */
};

void mutex_init(struct mutex* mutex);
/* OK; or CANCELED, without the mutex: the thread was killed while it waited. */
MUST_CHECK zx_status_t mutex_lock(struct mutex* mutex);
void mutex_unlock(struct mutex* mutex);
