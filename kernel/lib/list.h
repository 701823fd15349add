/* Intrusive doubly linked lists.
 *
 * Rules for lists:
 * - A list is a ring with a head that is never an element.
 * - A node that was removed, or is all zeros, is in no list.
 * - The owner's lock guards the list. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <lib/compiler.h>

struct list_node {
    struct list_node* next;
    struct list_node* previous;
};

struct list {
    struct list_node head;
};

#define LIST_INITIALIZER(name)         \
    {                                  \
        { &(name).head, &(name).head } \
    }

static inline void list_init(struct list* list) {
    list->head.next = list->head.previous = &list->head;
}

static inline bool list_is_empty(const struct list* list) {
    return list->head.next == &list->head;
}

/* Whether the node is in a list. */
static inline bool list_node_is_linked(const struct list_node* node) {
    return node->next != NULL;
}

static inline void list_insert_before(struct list_node* position, struct list_node* node) {
    node->next = position;
    node->previous = position->previous;
    position->previous->next = node;
    position->previous = node;
}

static inline void list_push_back(struct list* list, struct list_node* node) {
    list_insert_before(&list->head, node);
}

static inline void list_push_front(struct list* list, struct list_node* node) {
    list_insert_before(list->head.next, node);
}

static inline void list_remove(struct list_node* node) {
    node->previous->next = node->next;
    node->next->previous = node->previous;
    node->next = node->previous = NULL;
}

static inline struct list_node* list_first(const struct list* list) {
    return list_is_empty(list) ? NULL : list->head.next;
}

static inline struct list_node* list_pop_front(struct list* list) {
    struct list_node* node = list_first(list);
    if (node)
        list_remove(node);
    return node;
}

/* Moves every element of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_append_all(struct list* to, struct list* from) {
    if (list_is_empty(from))
        return;
    from->head.next->previous = to->head.previous;
    to->head.previous->next = from->head.next;
    from->head.previous->next = &to->head;
    to->head.previous = from->head.previous;
    list_init(from);
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

/* `node` is a struct list_node*. The safe form allows the body to remove `node`. */
#define LIST_FOR_EACH(node, list) \
    for (struct list_node* node = (list)->head.next; node != &(list)->head; node = node->next)
#define LIST_FOR_EACH_SAFE(node, list)                                          \
    for (struct list_node* node = (list)->head.next, *node##_next = node->next; \
         node != &(list)->head; node = node##_next, node##_next = node->next)
