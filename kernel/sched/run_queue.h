/* The ready queues of one CPU: a list for each priority, and a bitmap of the lists that are not
 * empty. The CPU's run queue lock guards all of it. */
#pragma once

#include <lib/compiler.h>
#include <sched/sched_cpu.h>

/* The priority is read once: sched_change_priority may write it meanwhile, before it takes this
 * lock. */
static inline void queue_push(struct sched_cpu* sched, struct thread* thread, bool at_front) {
    uint32_t priority = __atomic_load_n(&thread->priority, __ATOMIC_RELAXED);
    struct list* queue = &sched->queues[priority];
    thread->state = THREAD_READY;
    if (at_front)
        list_push_front(queue, &thread->run_node);
    else
        list_push_back(queue, &thread->run_node);
    sched->ready_bitmap |= 1ul << priority;
}

/* Takes the thread out of the queue it is in. If both neighbours are the same node, that node is
 * the queue's head and the queue becomes empty. */
static inline void queue_remove(struct sched_cpu* sched, struct thread* thread) {
    struct list_node* neighbour = thread->run_node.next;
    bool is_last = neighbour == thread->run_node.previous;
    list_remove(&thread->run_node);
    if (is_last)
        sched->ready_bitmap &= ~(1ul << (LIST_ENTRY(neighbour, struct list, head) - sched->queues));
}

/* Returns the priority of the most urgent of `queues` (one bit for each, not all 0). */
static inline uint64_t queue_most_urgent(uint64_t queues) {
    return 63u ^ (uint64_t)__builtin_clzl(queues);
}

/* Takes the first thread out of the most urgent queue. There must be one. It may be a bookmark
 * (help.c). */
static inline struct thread* queue_pop(struct sched_cpu* sched) {
    uint64_t priority = queue_most_urgent(sched->ready_bitmap);
    struct list* queue = &sched->queues[priority];
    struct list_node* node = queue->head.next;
    struct list_node* next = node->next;
    queue->head.next = next;
    next->previous = &queue->head;
    if (next == &queue->head)
        sched->ready_bitmap &= ~(1ul << priority);
    return LIST_ENTRY(node, struct thread, run_node);
}

/* Moves the claimed thread to `sched`, which is locked. Returns whether the thread may run there.
 *
 * The exchange is a full barrier, which closes a race with sched_apply_affinity.
 * sched_apply_affinity runs after the affinity was written, and reads `thread->sched`; this
 * function writes `thread->sched` and then reads the affinity. So at least one of the two sees the
 * other's write. */
static ALWAYS_INLINE bool sched_move_locked(struct thread* thread, struct sched_cpu* sched) {
    (void)__atomic_exchange_n(&thread->sched, sched, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&thread->affinity, __ATOMIC_RELAXED) & sched->mask;
}
