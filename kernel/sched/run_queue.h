/* The queues of one CPU: a list for each priority, and which of them are not empty. All of it under
 * the CPU's lock. */
#pragma once

#include <sched/sched_cpu.h>

static inline void queue_push(struct sched_cpu* sched, struct thread* thread, bool at_front) {
    thread->state = THREAD_READY;
    struct list* queue = &sched->queues[thread->priority];
    if (at_front)
        list_push_front(queue, &thread->run_node);
    else
        list_push_back(queue, &thread->run_node);
    sched->ready_bitmap |= 1u << thread->priority;
    sched->ready_count++;
}

static inline void queue_remove(struct sched_cpu* sched, struct thread* thread) {
    list_remove(&thread->run_node);
    if (list_is_empty(&sched->queues[thread->priority]))
        sched->ready_bitmap &= ~(1u << thread->priority);
    sched->ready_count--;
}

/* Of the most urgent queue that is not empty. */
static inline struct list* queue_most_urgent(struct sched_cpu* sched, unsigned* priority) {
    *priority = 31u ^ (unsigned)__builtin_clz(sched->ready_bitmap);
    return &sched->queues[*priority];
}

static inline struct thread* queue_first(struct sched_cpu* sched) {
    unsigned priority;
    return LIST_ENTRY(queue_most_urgent(sched, &priority)->head.next, struct thread, run_node);
}

static inline struct thread* queue_pop(struct sched_cpu* sched) {
    if (unlikely(sched->ready_bitmap == 0))
        return sched->idle;
    unsigned priority;
    struct list* queue = queue_most_urgent(sched, &priority);
    struct list_node* node = queue->head.next;
    list_remove(node);
    if (list_is_empty(queue))
        sched->ready_bitmap &= ~(1u << priority);
    sched->ready_count--;
    return LIST_ENTRY(node, struct thread, run_node);
}
