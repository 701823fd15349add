#include <sched/mutex.h>

#include <abi/errors.h>
#include <debug/panic.h>
#include <sched/park.h>
#include <sched/thread.h>

/* Lies on the waiter's stack. mutex_unlock takes the node out of the list, under the lock, before
 * it unparks the thread. So the thread exists as long as its node is linked. */
struct mutex_waiter {
    struct list_node node;
    struct thread* thread;
};

void mutex_init(struct mutex* mutex) {
    spinlock_init(&mutex->lock, LOCK_WAIT_QUEUE);
    list_init(&mutex->waiters);
    mutex->holder = NULL;
}

/* Gives up waiting. False: the mutex was handed to the waiter before it could leave. */
static bool stop_waiting(struct mutex* mutex, struct mutex_waiter* waiter) {
    interrupt_state_t state = spin_lock_irqsave(&mutex->lock);
    bool was_waiting = list_node_is_linked(&waiter->node);
    if (was_waiting)
        list_remove(&waiter->node);
    spin_unlock_irqrestore(&mutex->lock, state);
    return was_waiting;
}

zx_status_t mutex_lock(struct mutex* mutex) {
    struct mutex_waiter waiter = {.thread = thread_current()};
    interrupt_state_t state = spin_lock_irqsave(&mutex->lock);
    ASSERT(mutex->holder != waiter.thread);
    bool is_free = mutex->holder == NULL;
    if (is_free)
        mutex->holder = waiter.thread;
    else
        list_push_back(&mutex->waiters, &waiter.node);
    spin_unlock_irqrestore(&mutex->lock, state);
    /* mutex_unlock makes the first waiter the holder. The acquire load pairs with its release
     * store: the waiter sees everything that was written under the mutex. */
    while (!is_free && __atomic_load_n(&mutex->holder, __ATOMIC_ACQUIRE) != waiter.thread)
        if (thread_park(ZX_TIME_INFINITE) != ZX_OK && stop_waiting(mutex, &waiter))
            return ZX_ERR_CANCELED;
    return ZX_OK;
}

/* Hands the mutex to the first waiter under the lock. So the waiter cannot give up (stop_waiting)
 * between being chosen and being the holder. The unpark is under the lock too, as long as the
 * waiter's node is known to exist. */
void mutex_unlock(struct mutex* mutex) {
    interrupt_state_t state = spin_lock_irqsave(&mutex->lock);
    ASSERT(mutex->holder == thread_current());
    struct list_node* node = list_pop_front(&mutex->waiters);
    struct thread* next = node ? LIST_ENTRY(node, struct mutex_waiter, node)->thread : NULL;
    __atomic_store_n(&mutex->holder, next, __ATOMIC_RELEASE);
    if (next)
        thread_unpark(next);
    spin_unlock_irqrestore(&mutex->lock, state);
}
