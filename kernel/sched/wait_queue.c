#include <sched/wait_queue.h>

#include <abi/errors.h>
#include <debug/panic.h>
#include <sched/park.h>

/* Lies on the waiter's stack. A waker takes the node out of the list, under the lock, before it
 * unparks the thread. So the thread exists as long as its node is linked. */
struct waiter {
    struct list_node node;
    struct thread* thread;
};

void wait_queue_init(struct wait_queue* queue) {
    spinlock_init(&queue->lock, LOCK_WAIT_QUEUE);
    list_init(&queue->waiters);
}

/* No wake is lost: the thread joins the list in the same lock hold in which it finds the condition
 * false. A wake that comes later finds it in the list and leaves a token, so the park returns at
 * once. */
static zx_status_t wait(struct wait_queue* queue, bool (*condition)(void*), void* argument,
                        bool is_killable, zx_time_t deadline) {
    struct waiter waiter = {.thread = thread_current()};
    zx_status_t status = ZX_OK;
    for (;;) {
        interrupt_state_t state = spin_lock_irqsave(&queue->lock);
        bool is_true = condition(argument);
        bool must_wait = !is_true && status == ZX_OK;
        if (must_wait && !list_node_is_linked(&waiter.node))
            list_push_back(&queue->waiters, &waiter.node);
        else if (!must_wait && list_node_is_linked(&waiter.node))
            list_remove(&waiter.node);
        spin_unlock_irqrestore(&queue->lock, state);
        if (!must_wait)
            return is_true ? ZX_OK : status;
        if (is_killable)
            status = thread_park(deadline);
        else
            thread_park_uninterruptible();
    }
}

zx_status_t wait_queue_wait(struct wait_queue* queue, bool (*condition)(void*), void* argument,
                            zx_time_t deadline) {
    return wait(queue, condition, argument, true, deadline);
}

void wait_queue_wait_uninterruptible(struct wait_queue* queue, bool (*condition)(void*),
                                     void* argument) {
    (void)wait(queue, condition, argument, false, ZX_TIME_INFINITE);
}

/* The waiter cannot return before the lock is released, so its node and its thread are valid
 * here. */
struct thread* wait_queue_wake_first_locked(struct wait_queue* queue) {
    struct list_node* node = list_pop_front(&queue->waiters);
    if (!node)
        return NULL;
    struct thread* thread = LIST_ENTRY(node, struct waiter, node)->thread;
    thread_unpark(thread);
    return thread;
}

void wait_queue_wake(struct wait_queue* queue, size_t limit) {
    interrupt_state_t state = spin_lock_irqsave(&queue->lock);
    while (limit > 0 && wait_queue_wake_first_locked(queue))
        limit--;
    spin_unlock_irqrestore(&queue->lock, state);
}
