/* A first-in-first-out queue of bytes in a chain of pages.
 *
 * Rules for byte queues:
 * - The owner's lock guards the queue. It may be a spinlock and be held across the copies.
 *   Then user pages that are not present make the copies fail.
 * - Bytes are added in two steps. They are copied to where they will stand, and then committed,
 *   which makes them part of the queue. If the copy fails, nothing has happened.
 * - Bytes are looked at from the front, and then consumed. If the copy fails, they stay.
 * - Pages are allocated as they are needed, and freed as they are drained. One page without bytes
 *   is kept. An empty queue begins at the start of its page again. So a writer and a reader in turn
 *   do not reach the allocator, and find up to a page of bytes in one piece. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/layout.h>
#include <lib/compiler.h>
#include <lib/list.h>

struct byte_queue {
    struct list pages;      /* struct page.node: from the head's page to the tail's, then a spare */
    struct page* tail_page; /* NULL: no pages yet */
    uint8_t* tail_bytes;    /* the tail page's memory */
    uint8_t* head;          /* the first waiting byte */
    size_t head_span;       /* from there to the end of its page */
    uint8_t* tail;          /* where the next byte goes */
    size_t tail_span;       /* from there to the end of its page; 0: it goes to the next page */
    size_t size;            /* bytes waiting */
};

void byte_queue_init(struct byte_queue* queue);
/* Frees pages until the units are used up. True: it must be called again. Nothing else may be done
 * with the queue any more. */
bool byte_queue_destroy_some(struct byte_queue* queue, int64_t* units);

/* --- at the end ------------------------------------------------------------------------------- */

/* Whether the next `size` bytes go to one piece of memory, at queue->tail, that the queue has
 * already. byte_queue_commit_piece then makes them part of the queue. */
static inline bool byte_queue_has_end_piece(const struct byte_queue* queue, size_t size) {
    return likely(size <= queue->tail_span);
}

static inline void byte_queue_commit_piece(struct byte_queue* queue, size_t size) {
    queue->size += size;
    queue->tail += size;
    queue->tail_span -= size;
}

/* Makes room for `size` bytes. False: no memory, and the queue is as it was. */
MUST_CHECK bool byte_queue_reserve(struct byte_queue* queue, size_t size);
/* Fills room that was reserved, `skip` bytes behind the end. False: bad user memory. */
void byte_queue_fill(struct byte_queue* queue, size_t skip, const void* from, size_t size);
MUST_CHECK bool byte_queue_fill_from_user(struct byte_queue* queue, size_t skip,
                                          uintptr_t from_user, size_t size);
/* Makes the next `size` bytes (not 0), which were filled in, part of the queue. */
void byte_queue_commit(struct byte_queue* queue, size_t size);
/* Frees reserved pages that are not used. */
void byte_queue_trim(struct byte_queue* queue);

/* --- at the front ----------------------------------------------------------------------------- */

/* Whether the first `size` waiting bytes are in one piece, at queue->head. */
static inline bool byte_queue_has_front_piece(const struct byte_queue* queue, size_t size) {
    return likely(size <= queue->head_span);
}

/* Copies `size` waiting bytes, beginning `skip` bytes behind the first. False: bad user memory; a
 * part of it may have been written. */
void byte_queue_peek(const struct byte_queue* queue, size_t skip, void* to, size_t size);
MUST_CHECK bool byte_queue_peek_to_user(const struct byte_queue* queue, size_t skip,
                                        uintptr_t to_user, size_t size);

/* byte_queue_consume for bytes up to the end of the first page, or beyond. */
void byte_queue_consume_pages(struct byte_queue* queue, size_t size);

/* An empty queue begins at the start of its page. */
static inline void byte_queue_rewind_if_empty(struct byte_queue* queue) {
    if (queue->size == 0) {
        queue->head = queue->tail = queue->tail_bytes;
        queue->head_span = queue->tail_span = PAGE_SIZE;
    }
}

/* Removes the first `size` bytes. */
static inline void byte_queue_consume(struct byte_queue* queue, size_t size) {
    if (unlikely(size >= queue->head_span)) {
        byte_queue_consume_pages(queue, size);
        return;
    }
    queue->size -= size;
    queue->head += size;
    queue->head_span -= size;
    byte_queue_rewind_if_empty(queue);
}
