#include <sched/mutex.h>

#include <debug/panic.h>
#include <sched/thread.h>

void mutex_init(struct mutex* mutex) {
    wait_queue_init(&mutex->queue);
    mutex->holder = NULL;
}

static bool is_mine(void* argument) {
    struct mutex* mutex = argument;
    if (!mutex->holder)
        mutex->holder = thread_current();
    return mutex->holder == thread_current();
}

zx_status_t mutex_lock(struct mutex* mutex) {
    ASSERT(mutex->holder != thread_current());
    return wait_queue_wait(&mutex->queue, is_mine, mutex, ZX_TIME_INFINITE);
}

/* Hands the mutex to the first waiter under the lock. So the chosen waiter cannot give up before it
 * is the holder, and no later thread can get the mutex first. */
void mutex_unlock(struct mutex* mutex) {
    interrupt_state_t state = spin_lock_irqsave(&mutex->queue.lock);
    ASSERT(mutex->holder == thread_current());
    mutex->holder = wait_queue_wake_first_locked(&mutex->queue);
    spin_unlock_irqrestore(&mutex->queue.lock, state);
}
