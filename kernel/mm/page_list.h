/* Which page stands at which index: an array for a few pages, a tree of table pages for more, so
 * that a big VMO with few pages stays cheap. The owner's lock guards it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct page;

#define PAGE_LIST_INLINE 8u
#define PAGE_LIST_FANOUT 512u

struct page_list {
    size_t count;    /* indices below this are valid */
    unsigned height; /* levels of table pages; 0: inline */
    void** root;
    struct page* few[PAGE_LIST_INLINE];
};

/* `list` is all zeros. */
void page_list_init(struct page_list* list, size_t count);
/* The page at `index`, or NULL. */
struct page* page_list_get(const struct page_list* list, size_t index);
/* Where it is kept, made if need be; NULL: no memory. Stays valid as long as the list. */
struct page** page_list_slot(struct page_list* list, size_t index);
/* Hands every page to `visit` (with its index) and frees the tables; the list is of no use then. */
void page_list_destroy(struct page_list* list, void (*visit)(struct page* page));
/* How many indices from `index` on share a table that is not there, and so have no pages; 0: the
 * table is there. */
size_t page_list_hole_size(const struct page_list* list, size_t index);
/* Calls visit for each page of [first, first + count) until one call returns false. */
bool page_list_for_each(const struct page_list* list, size_t first, size_t count,
                        bool (*visit)(struct page* page, size_t index, void* argument),
                        void* argument);
