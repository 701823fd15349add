/* A VMO's pages by index. A few pages are in an array, more are in a tree of table pages. So a
 * large VMO with few pages stays cheap. The owner's lock guards it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page;

#define PAGE_LIST_INLINE 8u
#define PAGE_LIST_FANOUT 512u

struct page_list {
    size_t count;    /* indices below this are valid */
    unsigned height; /* levels of table pages; 0: the array `few` is used */
    void** root;
    struct page* few[PAGE_LIST_INLINE];
};

/* Initializes the list, which is all zeros before. */
void page_list_init(struct page_list* list, size_t count);
/* Returns the page at `index`, or NULL. */
struct page* page_list_get(const struct page_list* list, size_t index);
/* Returns the place of the page at `index`; makes the tables it needs. NULL: no memory. The place
 * stays valid as long as the list. */
struct page** page_list_slot(struct page_list* list, size_t index);
/* Calls `visit` for pages until the units are used up, takes these pages out, and frees the tables
 * that held only them. True: there are more. */
bool page_list_empty_some(struct page_list* list, void (*visit)(struct page* page, void* argument),
                          void* argument, int64_t* units);
/* Returns how many indices from `index` on have no pages because their table does not exist; 0: the
 * table exists. */
size_t page_list_hole_size(const struct page_list* list, size_t index);
/* Calls `visit` for each page in [first, first + count) until one call returns false. */
bool page_list_for_each(const struct page_list* list, size_t first, size_t count,
                        bool (*visit)(struct page* page, size_t index, void* argument),
                        void* argument);
