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

struct heap_node {
    int64_t key;
    struct heap_node* child; /* first of its children */
    struct heap_node* next;  /* next of its siblings */
    struct heap_node*
        previous; /* previous sibling; of the first: the parent; of the root: itself */
};

struct heap {
    struct heap_node* root;
};

/* A node of zeros, or one that was removed, is in no queue. */
static inline bool heap_node_is_linked(const struct heap_node* node) {
    return node->previous != 0;
}

void heap_insert(struct heap* heap, struct heap_node* node, int64_t key);
void heap_remove(struct heap* heap, struct heap_node* node);
/* The node with the smallest key; NULL: the queue is empty. */
static inline struct heap_node* heap_first(const struct heap* heap) {
    return heap->root;
}
