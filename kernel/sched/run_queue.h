/* The queues of one CPU: a list for each priority, and which of them are not empty. All of it under
 * the CPU's lock. */
#pragma once

#include <sched/sched_cpu.h>

/* The priority may be changed meanwhile by who looks for the thread elsewhere: one look decides. */
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

/* Out of whichever queue it is in: beside the last one there is only the queue's head. */
static inline void queue_remove(struct sched_cpu* sched, struct thread* thread) {
    struct list_node* neighbour = thread->run_node.next;
    bool is_last = neighbour == thread->run_node.previous;
    list_remove(&thread->run_node);
    if (is_last)
        sched->ready_bitmap &= ~(1ul << (LIST_ENTRY(neighbour, struct list, head) - sched->queues));
}

/* The most urgent queue; one is not empty. */
static inline struct list* queue_most_urgent(struct sched_cpu* sched, uint64_t* priority) {
    *priority = 63u ^ (uint64_t)__builtin_clzl(sched->ready_bitmap);
    return &sched->queues[*priority];
}

/* One is not empty. What is taken out may be a bookmark. */
static inline struct thread* queue_pop(struct sched_cpu* sched) {
    uint64_t priority;
    struct list* queue = queue_most_urgent(sched, &priority);
    struct list_node* node = queue->head.next;
    struct list_node* next = node->next;
    queue->head.next = next;
    next->previous = &queue->head;
    if (next == &queue->head)
        sched->ready_bitmap &= ~(1ul << priority);
    return LIST_ENTRY(node, struct thread, run_node);
}
