#include <mm/page_list.h>

#include <lib/compiler.h>
#include <mm/page.h>

#define LEVEL_BITS 9u /* log2 of PAGE_LIST_FANOUT */

void page_list_init(struct page_list* list, size_t count) {
    list->count = count;
    if (count <= PAGE_LIST_INLINE)
        return;
    list->height = 1;
    while (count > 1ul << (LEVEL_BITS * list->height))
        list->height++;
}

static unsigned slot_index(size_t index, unsigned level) {
    return (unsigned)(index >> (LEVEL_BITS * level)) % PAGE_LIST_FANOUT;
}

struct page* page_list_get(const struct page_list* list, size_t index) {
    if (list->height == 0)
        return list->few[index];
    void** table = list->root;
    for (unsigned level = list->height; table && level > 1; level--)
        table = table[slot_index(index, level - 1)];
    return table ? table[slot_index(index, 0)] : NULL;
}

/* Makes a table that was missing, and begins again. The caller calls it last, so the fast path
 * saves no registers for the call. */
static NOINLINE struct page** make_table(struct page_list* list, size_t index, void*** place) {
    struct page* page = page_alloc_zeroed();
    if (!page)
        return NULL;
    *place = page_to_virtual(page);
    return page_list_slot(list, index);
}

struct page** page_list_slot(struct page_list* list, size_t index) {
    if (list->height == 0)
        return &list->few[index];
    void*** place = &list->root;
    for (unsigned level = list->height;; level--) {
        if (!*place)
            return make_table(list, index, place);
        void** table = *place;
        if (level == 1)
            return (struct page**)&table[slot_index(index, 0)];
        place = (void***)&table[slot_index(index, level - 1)];
    }
}

#define LOOK_UNITS 6u /* cost of looking through a table, paid again after a break */
#define FREE_UNITS 1u /* for each page and each table */
#define GROUP 8u      /* slots that are checked together */

static bool is_group_empty(void* const* slots) {
    uintptr_t all = 0;
#pragma GCC unroll 8
    for (size_t i = 0; i < GROUP; i++)
        all |= (uintptr_t)slots[i];
    return all == 0;
}

/* Returns the next slot in use, from `index` on; `end` or beyond: there is none. All slots behind
 * `end` are empty. */
static size_t next_in_use(void* const* table, size_t index, size_t end) {
    while (index < end && !table[index]) {
        index++;
        while (index < end && index % GROUP == 0 && is_group_empty(&table[index]))
            index += GROUP;
    }
    return index;
}

/* Empties a table and frees it. False: the units were used up before. Only the first `count`
 * indices of the table can have pages. The recursion is as deep as the tree: four levels for a
 * terabyte. */
static bool empty_table(void** table, unsigned level, size_t count, int64_t* units,
                        void (*visit)(struct page* page, void* argument), void* argument) {
    size_t span = 1ul << (LEVEL_BITS * (level - 1));
    size_t end = MIN((count + span - 1) / span, (size_t)PAGE_LIST_FANOUT);
    *units -= LOOK_UNITS;
    for (size_t i = 0; (i = next_in_use(table, i, end)) < end; i++) {
        if (*units <= 0)
            return false;
        if (level == 1) {
            visit(table[i], argument);
            *units -= FREE_UNITS;
        } else if (!empty_table(table[i], level - 1, count - i * span, units, visit, argument)) {
            return false;
        }
        table[i] = NULL;
    }
    page_free(page_from_virtual(table));
    *units -= FREE_UNITS;
    return true;
}

bool page_list_empty_some(struct page_list* list, void (*visit)(struct page* page, void* argument),
                          void* argument, int64_t* units) {
    if (list->height == 0) {
        for (size_t i = 0; i < list->count; i++) {
            if (!list->few[i])
                continue;
            visit(list->few[i], argument);
            list->few[i] = NULL;
            *units -= FREE_UNITS;
        }
        return false;
    }
    if (list->root && !empty_table(list->root, list->height, list->count, units, visit, argument))
        return true;
    list->root = NULL;
    return false;
}

size_t page_list_hole_size(const struct page_list* list, size_t index) {
    void** table = list->root;
    for (unsigned level = list->height; level > 0; level--) {
        size_t span = 1ul << (LEVEL_BITS * level);
        if (!table)
            return ALIGN_DOWN(index, span) + span - index;
        if (level > 1)
            table = table[slot_index(index, level - 1)];
    }
    return 0;
}

bool page_list_for_each(const struct page_list* list, size_t first, size_t count,
                        bool (*visit)(struct page* page, size_t index, void* argument),
                        void* argument) {
    size_t end = first + count;
    for (size_t index = first; index < end;) {
        struct page* page = page_list_get(list, index);
        if (page && !visit(page, index, argument))
            return false;
        index += page ? 1 : MAX(page_list_hole_size(list, index), 1ul);
    }
    return true;
}
