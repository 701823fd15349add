#include <lib/heap.h>

#include <stddef.h>

/* Joins two heaps: the root with the larger key becomes the first child of the other root. Either
 * may be NULL. */
static struct heap_node* meld(struct heap_node* a, struct heap_node* b) {
    if (!a || !b)
        return a ? a : b;
    if (b->key < a->key) {
        struct heap_node* swap = a;
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
static struct heap_node* meld_siblings(struct heap_node* first) {
    struct heap_node* pairs = NULL; /* a stack, linked by `next` */
    while (first) {
        struct heap_node* second = first->next;
        struct heap_node* rest = second ? second->next : NULL;
        first->next = NULL;
        if (second)
            second->next = NULL;
        struct heap_node* pair = meld(first, second);
        pair->next = pairs;
        pairs = pair;
        first = rest;
    }
    struct heap_node* result = NULL;
    while (pairs) {
        struct heap_node* next = pairs->next;
        pairs->next = NULL;
        result = meld(result, pairs);
        pairs = next;
    }
    return result;
}

static void set_root(struct heap* heap, struct heap_node* root) {
    heap->root = root;
    if (root)
        root->previous = root;
}

void heap_insert(struct heap* heap, struct heap_node* node, int64_t key) {
    *node = (struct heap_node){.key = key};
    set_root(heap, meld(heap->root, node));
}

void heap_remove(struct heap* heap, struct heap_node* node) {
    struct heap_node* children = meld_siblings(node->child);
    if (heap->root == node) {
        set_root(heap, children);
    } else {
        if (node->previous->child == node)
            node->previous->child = node->next;
        else
            node->previous->next = node->next;
        if (node->next)
            node->next->previous = node->previous;
        set_root(heap, meld(heap->root, children));
    }
    *node = (struct heap_node){0};
}
