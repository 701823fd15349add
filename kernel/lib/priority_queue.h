/* A priority queue: a pairing heap of nodes that are embedded in their owners.
 *
 * Rules for priority queues:
 * - Insertion and a look at the smallest key take constant time; removal of any node takes O(log
 *   n), amortised.
 * - Nothing is allocated.
 * - The owner's lock guards the queue. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct priority_queue_node {
    int64_t key;
    struct priority_queue_node* child; /* first of its children */
    struct priority_queue_node* next;  /* next of its siblings */
    struct priority_queue_node*
        previous; /* previous sibling; of the first: the parent; of the root: itself */
};

struct priority_queue {
    struct priority_queue_node* root;
};

/* A node of zeros, or one that was removed, is in no queue. */
static inline bool priority_queue_node_is_linked(const struct priority_queue_node* node) {
    return node->previous != 0;
}

void priority_queue_insert(struct priority_queue* queue, struct priority_queue_node* node,
                           int64_t key);
void priority_queue_remove(struct priority_queue* queue, struct priority_queue_node* node);
/* Returns the node with the smallest key; NULL: the queue is empty. */
static inline struct priority_queue_node* priority_queue_first(const struct priority_queue* queue) {
    return queue->root;
}
