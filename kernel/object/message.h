/* Messages: bytes and handles on their way, and the queues in which they wait.
 *
 * A small message is one allocation: header, handles, bytes. Bytes that do not fit lie in a chain of
 * pages, so that no message needs contiguous memory. Bytes are copied in once, at creation, and out once.
 * A message owns its handles (one reference and one handle count each). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/limits.h>
#include <abi/types.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <object/handle_table.h>

struct message {
    struct message* next;
    uint32_t byte_count;
    uint8_t handle_count;
    bool is_large;     /* which cache it came from */
    bool is_paged;     /* the bytes lie in `pages`, else behind the handles */
    struct list pages; /* struct page.node; only when is_paged */
    struct handle handles[];
};

/* A message with the bytes in it and room for `handle_count` handles, which the caller fills in. NO_MEMORY,
 * INVALID_ARGS (bad user memory). Sizes are within the limits. No lock held. */
MUST_CHECK zx_status_t message_create_from_user(uintptr_t bytes_user, uint32_t byte_count,
                                                uint32_t handle_count, struct message** out);
/* The same with kernel memory; the byte count must be a small one (MESSAGE_KERNEL_BYTES_MAX). */
#define MESSAGE_KERNEL_BYTES_MAX 512u
MUST_CHECK struct message* message_create(const void* bytes, uint32_t byte_count,
                                          uint32_t handle_count);
/* Frees the memory; the handles were given away, or never filled in. */
void message_free(struct message* message);
/* Releases the handles too. No lock held. */
void message_destroy(struct message* message);
/* Copies the bytes out; false: bad user memory. A spinlock may be held: then pages that are not
 * present make it fail. */
MUST_CHECK bool message_copy_out(const struct message* message, uintptr_t to_user);

/* Messages in the order written. The owner's lock guards it. */
struct message_queue {
    struct message* first;
    struct message* last;   /* meaningless when empty */
    uint32_t pushed, taken; /* messages so far; together they tell whether the queue changed */
    size_t size;            /* bytes and handle entries waiting */
    size_t handle_count;    /* handles waiting */
};

static inline bool message_queue_is_empty(const struct message_queue* queue) {
    return queue->first == NULL;
}

/* At the bound nothing more is taken; the message that reaches it still is. */
static inline bool message_queue_is_full(const struct message_queue* queue) {
    return queue->pushed - queue->taken >= CHANNEL_MAX_QUEUED_MESSAGES ||
           queue->size >= CHANNEL_MAX_QUEUED_BYTES;
}

static inline size_t message_queued_size(const struct message* message) {
    return message->byte_count + message->handle_count * sizeof(struct handle);
}

static inline void message_queue_push(struct message_queue* queue, struct message* message) {
    message->next = NULL;
    if (queue->first)
        queue->last->next = message;
    else
        queue->first = message;
    queue->last = message;
    queue->pushed++;
    queue->size += message_queued_size(message);
    queue->handle_count += message->handle_count;
}

/* The queue is not empty. */
static inline struct message* message_queue_pop(struct message_queue* queue) {
    struct message* message = queue->first;
    queue->first = message->next;
    queue->taken++;
    queue->size -= message_queued_size(message);
    queue->handle_count -= message->handle_count;
    return message;
}
