#include <lib/tree.h>

/* xorshift. Only the balance of the tree depends on these numbers. */
static uint32_t next_priority(struct tree* tree) {
    uint32_t x = tree->random ? tree->random : 0x9e3779b9;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return tree->random = x;
}

/* Splits `from` into a tree of the nodes below `key` and one of the nodes above it. */
static void split(struct tree_node* from, uint64_t key, struct tree_node** below,
                  struct tree_node** above) {
    while (from) {
        if (from->key < key) {
            *below = from;
            below = &from->right;
            from = from->right;
        } else {
            *above = from;
            above = &from->left;
            from = from->left;
        }
    }
    *below = *above = NULL;
}

/* Joins two trees; all keys of `below` are smaller than all keys of `above`. */
static struct tree_node* join(struct tree_node* below, struct tree_node* above) {
    struct tree_node* root = NULL;
    struct tree_node** place = &root;
    while (below && above) {
        if (below->priority > above->priority) {
            *place = below;
            place = &below->right;
            below = below->right;
        } else {
            *place = above;
            place = &above->left;
            above = above->left;
        }
    }
    *place = below ? below : above;
    return root;
}

void tree_insert(struct tree* tree, struct tree_node* node, uint64_t key) {
    node->key = key;
    node->priority = next_priority(tree);
    struct tree_node** place = &tree->root;
    while (*place && (*place)->priority >= node->priority)
        place = key < (*place)->key ? &(*place)->left : &(*place)->right;
    split(*place, key, &node->left, &node->right);
    *place = node;
}

void tree_remove(struct tree* tree, struct tree_node* node) {
    struct tree_node** place = &tree->root;
    while (*place != node)
        place = node->key < (*place)->key ? &(*place)->left : &(*place)->right;
    *place = join(node->left, node->right);
    node->left = node->right = NULL;
}

struct tree_node* tree_find_at_least(const struct tree* tree, uint64_t key) {
    struct tree_node* best = NULL;
    for (struct tree_node* at = tree->root; at;) {
        if (at->key >= key) {
            best = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    return best;
}
