/* A treap: a search tree of nodes that are embedded in their owners, kept balanced by random
 * priorities.
 *
 * Rules for trees:
 * - Keys are unique.
 * - Every operation takes O(log n), expected; nothing is allocated.
 * - The owner's lock guards the tree. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_node {
    uint64_t key;
    uint32_t priority;
    struct tree_node* left;
    struct tree_node* right;
};

struct tree {
    struct tree_node* root;
    uint32_t random; /* any first value is good */
};

static inline bool tree_is_empty(const struct tree* tree) {
    return !tree->root;
}
void tree_insert(struct tree* tree, struct tree_node* node, uint64_t key);
void tree_remove(struct tree* tree, struct tree_node* node);
/* Returns the node with the smallest key that is not below `key`; NULL: there is none. */
struct tree_node* tree_find_at_least(const struct tree* tree, uint64_t key);
