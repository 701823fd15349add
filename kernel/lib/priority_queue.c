#include <lib/priority_queue.h>

#include <stddef.h>

/* Joins two heaps: the root with the larger key becomes the first child of the other root. Either
 * may be NULL. */
static struct priority_queue_node* meld(struct priority_queue_node* a,
                                        struct priority_queue_node* b) {
    if (!a || !b)
        return a ? a : b;
    if (b->key < a->key) {
        struct priority_queue_node* swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    b->previous = a;
    if (b->next)
        b->next->previous = b;
    a->child = b;
    a->next = NULL;
    return a;
}

/* Joins a list of siblings: pairs from left to right, then the results from right to left. */
static struct priority_queue_node* meld_siblings(struct priority_queue_node* first) {
    struct priority_queue_node* pairs = NULL; /* a stack, linked by `next` */
    while (first) {
        struct priority_queue_node* second = first->next;
        struct priority_queue_node* rest = second ? second->next : NULL;
        first->next = NULL;
        if (second)
            second->next = NULL;
        struct priority_queue_node* pair = meld(first, second);
        pair->next = pairs;
        pairs = pair;
        first = rest;
    }
    struct priority_queue_node* result = NULL;
    while (pairs) {
        struct priority_queue_node* next = pairs->next;
        pairs->next = NULL;
        result = meld(result, pairs);
        pairs = next;
    }
    return result;
}

static void set_root(struct priority_queue* queue, struct priority_queue_node* root) {
    queue->root = root;
    if (root)
        root->previous = root;
}

void priority_queue_insert(struct priority_queue* queue, struct priority_queue_node* node,
                           int64_t key) {
    *node = (struct priority_queue_node){.key = key};
    set_root(queue, meld(queue->root, node));
}

void priority_queue_remove(struct priority_queue* queue, struct priority_queue_node* node) {
    struct priority_queue_node* children = meld_siblings(node->child);
    if (queue->root == node) {
        set_root(queue, children);
    } else {
        if (node->previous->child == node)
            node->previous->child = node->next;
        else
            node->previous->next = node->next;
        if (node->next)
            node->next->previous = node->previous;
        set_root(queue, meld(queue->root, children));
    }
    *node = (struct priority_queue_node){0};
}
