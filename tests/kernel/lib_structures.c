/* The intrusive structures of kernel/lib, against plain arrays that do the same. Also built as a
 * host test (tests/host/lib.c). */
#include <lib/priority_queue.h>
#include <lib/list.h>
#include <lib/string.h>
#include <lib/tree.h>

#include "random.h"
#include "selftest.h"

/* --- list ------------------------------------------------------------------------------------- */

struct item {
    struct list_node node;
    unsigned number;
};

static void number_items(struct item* items, unsigned count) {
    memset(items, 0, count * sizeof(*items));
    for (unsigned i = 0; i < count; i++)
        items[i].number = i;
}

/* The numbers in order, as digits of one number; both directions must agree. */
static uint64_t digits_of(const struct list* list) {
    uint64_t forwards = 0, backwards = 0, place = 1;
    LIST_FOR_EACH(node, list)
    forwards = forwards * 10 + LIST_ENTRY(node, struct item, node)->number;
    for (const struct list_node* node = list->head.previous; node != &list->head;
         node = node->previous, place *= 10)
        backwards += LIST_ENTRY(node, struct item, node)->number * place;
    return forwards == backwards ? forwards : UINT64_MAX;
}

SELFTEST(lib_list, elements_stand_where_they_were_put) {
    struct item items[6];
    struct list list = LIST_INITIALIZER(list);
    number_items(items, 6);
    EXPECT(list_is_empty(&list));
    EXPECT(list_first(&list) == NULL);
    list_push_back(&list, &items[2].node);
    list_push_back(&list, &items[3].node);
    list_push_front(&list, &items[1].node);
    list_insert_before(&items[3].node, &items[5].node);
    EXPECT_EQUAL(digits_of(&list), 1253);
    EXPECT(list_first(&list) == &items[1].node);
    EXPECT(list_node_is_linked(&items[5].node));
    EXPECT(!list_node_is_linked(&items[4].node));
    list_remove(&items[2].node);
    EXPECT(!list_node_is_linked(&items[2].node));
    EXPECT_EQUAL(digits_of(&list), 153);
    EXPECT(list_pop_front(&list) == &items[1].node);
    EXPECT(!list_node_is_linked(&items[1].node));
    list_remove(&items[3].node);
    EXPECT(list_pop_front(&list) == &items[5].node);
    EXPECT(list_pop_front(&list) == NULL);
    EXPECT(list_is_empty(&list));
}

SELFTEST(lib_list, one_list_is_moved_behind_another) {
    struct item items[5];
    struct list to, from;
    number_items(items, 5);
    list_init(&to);
    list_init(&from);
    list_append_all(&to, &from);
    EXPECT(list_is_empty(&to) && list_is_empty(&from));
    list_push_back(&from, &items[1].node);
    list_push_back(&from, &items[2].node);
    list_append_all(&to, &from);
    EXPECT_EQUAL(digits_of(&to), 12);
    EXPECT(list_is_empty(&from));
    list_push_back(&from, &items[3].node);
    list_append_all(&to, &from);
    EXPECT_EQUAL(digits_of(&to), 123);
    list_append_all(&to, &from);
    EXPECT_EQUAL(digits_of(&to), 123);
    list_push_back(&from, &items[4].node);
    EXPECT_EQUAL(digits_of(&from), 4);
}

SELFTEST(lib_list, elements_may_go_while_the_list_is_walked) {
    struct item items[6];
    struct list list = LIST_INITIALIZER(list);
    number_items(items, 6);
    for (unsigned i = 1; i < 6; i++)
        list_push_back(&list, &items[i].node);
    LIST_FOR_EACH_SAFE(node, &list)
    if (LIST_ENTRY(node, struct item, node)->number % 2 == 1)
        list_remove(node);
    EXPECT_EQUAL(digits_of(&list), 24);
}

/* --- heap ------------------------------------------------------------------------------------- */

#define NODES 300u
#define STEPS 6000u

static struct priority_queue_node heap_nodes[NODES];

static int64_t smallest_key(void) {
    int64_t smallest = INT64_MAX;
    for (unsigned i = 0; i < NODES; i++)
        if (priority_queue_node_is_linked(&heap_nodes[i]))
            smallest = MIN(smallest, heap_nodes[i].key);
    return smallest;
}

SELFTEST(lib_heap, the_first_is_the_smallest_whatever_comes_and_goes) {
    struct priority_queue heap = {0};
    uint32_t random = 42;
    unsigned count = 0;
    memset(heap_nodes, 0, sizeof(heap_nodes));
    for (unsigned i = 0; i < STEPS; i++) {
        struct priority_queue_node* node = &heap_nodes[random_next(&random) % NODES];
        if (priority_queue_node_is_linked(node)) {
            priority_queue_remove(&heap, node);
            EXPECT(!priority_queue_node_is_linked(node));
            count--;
        } else {
            /* Few different keys, so that many are equal. */
            priority_queue_insert(&heap, node, (int64_t)(random_next(&random) % 64) - 32);
            EXPECT(priority_queue_node_is_linked(node));
            count++;
        }
        EXPECT_EQUAL(priority_queue_first(&heap) != NULL, count > 0);
        if (count > 0)
            EXPECT_EQUAL(priority_queue_first(&heap)->key, smallest_key());
    }
    int64_t last = INT64_MIN;
    for (; count > 0; count--) {
        struct priority_queue_node* first = priority_queue_first(&heap);
        EXPECT(first->key >= last);
        last = first->key;
        priority_queue_remove(&heap, first);
    }
    EXPECT(priority_queue_first(&heap) == NULL);
}

SELFTEST(lib_heap, keys_reach_from_end_to_end) {
    struct priority_queue heap = {0};
    struct priority_queue_node nodes[3] = {0};
    priority_queue_insert(&heap, &nodes[0], INT64_MAX);
    priority_queue_insert(&heap, &nodes[1], INT64_MIN);
    priority_queue_insert(&heap, &nodes[2], 0);
    static const unsigned order[] = {1, 2, 0};
    for (unsigned i = 0; i < 3; i++) {
        EXPECT(priority_queue_first(&heap) == &nodes[order[i]]);
        priority_queue_remove(&heap, &nodes[order[i]]);
    }
    EXPECT(priority_queue_first(&heap) == NULL);
}

/* --- tree ------------------------------------------------------------------------------------- */

#define KEYS 400u
#define ASCENDING 4096u
#define DEPTH_LIMIT 60u /* 4,096 nodes; a list of them would be 4,096 deep */

static struct tree_node tree_nodes[ASCENDING];
static bool is_inside[KEYS];

static struct tree_node* expected_at_least(uint64_t key) {
    for (uint64_t i = key; i < KEYS; i++)
        if (is_inside[i])
            return &tree_nodes[i];
    return NULL;
}

SELFTEST(lib_tree, neighbours_are_found_whatever_comes_and_goes) {
    struct tree tree = {.random = 7};
    uint32_t random = 9;
    memset(tree_nodes, 0, sizeof(tree_nodes));
    memset(is_inside, 0, sizeof(is_inside));
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned key = random_next(&random) % KEYS;
        if (is_inside[key])
            tree_remove(&tree, &tree_nodes[key]);
        else
            tree_insert(&tree, &tree_nodes[key], key);
        is_inside[key] = !is_inside[key];
        unsigned probe = random_next(&random) % KEYS;
        EXPECT(tree_find_at_least(&tree, probe) == expected_at_least(probe));
    }
    for (unsigned key = 0; key < KEYS; key++)
        if (is_inside[key])
            tree_remove(&tree, &tree_nodes[key]);
    EXPECT(tree.root == NULL);
}

static unsigned depth_of(const struct tree_node* node) {
    if (!node)
        return 0;
    unsigned left = depth_of(node->left), right = depth_of(node->right);
    return 1 + MAX(left, right);
}

SELFTEST(lib_tree, ascending_keys_do_not_make_it_a_list) {
    struct tree tree = {0};
    for (unsigned i = 0; i < ASCENDING; i++)
        tree_insert(&tree, &tree_nodes[i], i);
    EXPECT(depth_of(tree.root) < DEPTH_LIMIT);
    for (unsigned i = 0; i < ASCENDING; i += 2)
        tree_remove(&tree, &tree_nodes[i]);
    EXPECT(depth_of(tree.root) < DEPTH_LIMIT);
    for (unsigned i = 0; i + 1 < ASCENDING; i += 2) {
        EXPECT(tree_find_at_least(&tree, i) == &tree_nodes[i + 1]);
        EXPECT(tree_find_at_least(&tree, i + 1) == &tree_nodes[i + 1]);
    }
}

SELFTEST(lib_tree, keys_reach_from_end_to_end) {
    struct tree tree = {0};
    EXPECT(tree_find_at_least(&tree, 0) == NULL);
    tree_insert(&tree, &tree_nodes[0], UINT64_MAX - 1);
    EXPECT(tree_find_at_least(&tree, UINT64_MAX - 1) == &tree_nodes[0]);
    EXPECT(tree_find_at_least(&tree, UINT64_MAX) == NULL);
    tree_remove(&tree, &tree_nodes[0]);
    tree_insert(&tree, &tree_nodes[0], UINT64_MAX);
    EXPECT(tree_find_at_least(&tree, UINT64_MAX) == &tree_nodes[0]);
    tree_insert(&tree, &tree_nodes[1], 0);
    EXPECT(tree_find_at_least(&tree, 0) == &tree_nodes[1]);
    EXPECT(tree_find_at_least(&tree, 1) == &tree_nodes[0]);
}
