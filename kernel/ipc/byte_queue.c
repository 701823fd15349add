/* A queue without pages has a tail_span of 0, so its first byte goes to the next page. */
#include <ipc/byte_queue.h>

#include <arch/user_copy.h>
#include <debug/panic.h>
#include <lib/string.h>
#include <mm/page.h>

static inline struct page* first_page(const struct byte_queue* queue) {
    return LIST_ENTRY(list_first(&queue->pages), struct page, node);
}

/* The page behind `page` (NULL: the first page). It exists. */
static inline struct page* page_behind(const struct byte_queue* queue, const struct page* page) {
    return page ? LIST_ENTRY(page->node.next, struct page, node) : first_page(queue);
}

void byte_queue_init(struct byte_queue* queue) {
    *queue = (struct byte_queue){.size = 0};
    list_init(&queue->pages);
}

bool byte_queue_destroy_some(struct byte_queue* queue, int64_t* units) {
    struct list_node* node;
    while (*units > 0 && (node = list_pop_front(&queue->pages))) {
        page_free(LIST_ENTRY(node, struct page, node));
        *units -= 1;
    }
    return !list_is_empty(&queue->pages);
}

/* --- places ----------------------------------------------------------------------------------- */

/* A place in the chain, and the distance to the end of its page. 0: the next byte is the first one
 * of the next page. */
struct place {
    struct page* page;
    uint8_t* at;
    size_t span;
};

static struct place place_at_end(const struct byte_queue* queue) {
    return (struct place){queue->tail_page, queue->tail, queue->tail_span};
}

static struct place place_at_front(const struct byte_queue* queue) {
    return (struct place){first_page(queue), queue->head, queue->head_span};
}

/* Moves by at most `limit` bytes, and not beyond the end of a page. Returns how many bytes, and in
 * `start` where they begin. */
static size_t place_advance(const struct byte_queue* queue, struct place* place, size_t limit,
                            uint8_t** start) {
    if (place->span == 0) {
        place->page = page_behind(queue, place->page);
        place->at = page_to_virtual(place->page);
        place->span = PAGE_SIZE;
    }
    size_t size = MIN(limit, place->span);
    *start = place->at;
    place->at += size;
    place->span -= size;
    return size;
}

static void place_skip(const struct byte_queue* queue, struct place* place, size_t size) {
    uint8_t* start;
    while (size > 0)
        size -= place_advance(queue, place, size, &start);
}

/* --- at the end ------------------------------------------------------------------------------- */

void byte_queue_trim(struct byte_queue* queue) {
    const struct list_node* tail = queue->tail_page ? &queue->tail_page->node : &queue->pages.head;
    struct list_node* last = queue->pages.head.previous;
    while (last != tail && last->previous != tail) { /* one page may stay */
        struct list_node* previous = last->previous;
        list_remove(last);
        page_free(LIST_ENTRY(last, struct page, node));
        last = previous;
    }
}

bool byte_queue_reserve(struct byte_queue* queue, size_t size) {
    size_t room = queue->tail_span;
    const struct list_node* tail = queue->tail_page ? &queue->tail_page->node : &queue->pages.head;
    for (const struct list_node* node = tail->next; node != &queue->pages.head; node = node->next)
        room += PAGE_SIZE;
    while (room < size) {
        struct page* page = page_alloc();
        if (!page) {
            byte_queue_trim(queue);
            return false;
        }
        list_push_back(&queue->pages, &page->node);
        room += PAGE_SIZE;
    }
    return true;
}

void byte_queue_fill(struct byte_queue* queue, size_t skip, const void* from, size_t size) {
    struct place place = place_at_end(queue);
    place_skip(queue, &place, skip);
    uint8_t* to;
    for (size_t done = 0, span; done < size; done += span) {
        span = place_advance(queue, &place, size - done, &to);
        memcpy(to, (const uint8_t*)from + done, span);
    }
}

bool byte_queue_fill_from_user(struct byte_queue* queue, size_t skip, uintptr_t from_user,
                               size_t size) {
    struct place place = place_at_end(queue);
    place_skip(queue, &place, skip);
    uint8_t* to;
    for (size_t done = 0, span; done < size; done += span) {
        span = place_advance(queue, &place, size - done, &to);
        if (!user_copy_in_small(to, from_user + done, span))
            return false;
    }
    return true;
}

void byte_queue_commit(struct byte_queue* queue, size_t size) {
    struct place end = place_at_end(queue);
    place_skip(queue, &end, size);
    if (!queue->tail_page) {
        queue->head = page_to_virtual(first_page(queue));
        queue->head_span = PAGE_SIZE;
    }
    queue->tail_page = end.page;
    queue->tail_bytes = page_to_virtual(end.page);
    queue->tail = end.at;
    queue->tail_span = end.span;
    queue->size += size;
}

/* --- at the front ----------------------------------------------------------------------------- */

void byte_queue_peek(const struct byte_queue* queue, size_t skip, void* to, size_t size) {
    ASSERT(skip + size <= queue->size);
    struct place place = place_at_front(queue);
    place_skip(queue, &place, skip);
    uint8_t* from;
    for (size_t done = 0, span; done < size; done += span) {
        span = place_advance(queue, &place, size - done, &from);
        memcpy((uint8_t*)to + done, from, span);
    }
}

bool byte_queue_peek_to_user(const struct byte_queue* queue, size_t skip, uintptr_t to_user,
                             size_t size) {
    ASSERT(skip + size <= queue->size);
    struct place place = place_at_front(queue);
    place_skip(queue, &place, skip);
    uint8_t* from;
    for (size_t done = 0, span; done < size; done += span) {
        span = place_advance(queue, &place, size - done, &from);
        if (!user_copy_out(to_user + done, from, span))
            return false;
    }
    return true;
}

/* A drained page becomes the spare page behind the tail, unless there is one already. */
void byte_queue_consume_pages(struct byte_queue* queue, size_t size) {
    ASSERT(size <= queue->size);
    queue->size -= size;
    for (struct page* page;
         size >= queue->head_span && (page = first_page(queue)) != queue->tail_page;) {
        size -= queue->head_span;
        list_remove(&page->node);
        if (queue->tail_page->node.next != &queue->pages.head)
            page_free(page);
        else
            list_push_back(&queue->pages, &page->node);
        queue->head = page_to_virtual(first_page(queue));
        queue->head_span = PAGE_SIZE;
    }
    queue->head += size;
    queue->head_span -= size;
    byte_queue_rewind_if_empty(queue);
}
