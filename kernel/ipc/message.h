/* Messages: bytes and handles on their way, and the queues in which they wait.
 *
 * A small message is one allocation: header, handles, bytes. Bytes that do not fit lie in a chain
 * of pages, so that no message needs contiguous memory. Bytes are copied in once, at creation, and
 * out once. A message owns its handles (one reference and one handle count each). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/limits.h>
#include <abi/types.h>
#include <arch/user_copy.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <mm/slab.h>
#include <object/handle_table.h>

struct message {
    struct message* next;
    uint32_t byte_count;
    uint32_t shape; /* how many handles, and MESSAGE_LARGE and _PAGED */
    union {
        struct list pages;   /* struct page.node: the bytes, if PAGED */
        uint8_t payload[16]; /* begins here if not */
    };
};

#define MESSAGE_HANDLES_MASK 0xffu
#define MESSAGE_LARGE (1u << 8) /* which cache it came from */
#define MESSAGE_PAGED (1u << 9) /* handles behind the header, bytes in pages */

/* Two sizes of allocation. The small one carries the usual message of a protocol, the large one the
 * handles of any message; both with as many bytes as fit behind the handles. */
#define MESSAGE_SMALL_SIZE 256u
#define MESSAGE_SMALL_ROOM (MESSAGE_SMALL_SIZE - offsetof(struct message, payload))

static inline uint32_t message_handle_count(const struct message* message) {
    return message->shape & MESSAGE_HANDLES_MASK;
}

static inline struct handle* message_handles(struct message* message) {
    return message->shape & MESSAGE_PAGED ? (struct handle*)(message + 1)
                                          : (struct handle*)message->payload;
}

/* Where the bytes are, when not PAGED: behind the handles. */
static inline uint8_t* message_inline_bytes(struct message* message) {
    return message->payload + message_handle_count(message) * sizeof(struct handle);
}

uint8_t* message_first_page(struct message* message); /* when PAGED */

/* Where the first four bytes are, by which replies are known; the message has so many. */
static inline uint32_t* message_id_place(struct message* message) {
    return (uint32_t*)(unlikely(message->shape & MESSAGE_PAGED) ? message_first_page(message)
                                                                : message_inline_bytes(message));
}

/* 0 for a message of fewer bytes. */
static inline uint32_t message_id(struct message* message) {
    return message->byte_count >= sizeof(uint32_t) ? *message_id_place(message) : 0;
}

static inline void message_set_id(struct message* message, uint32_t id) {
    *message_id_place(message) = id;
}

static inline bool message_is_small(const struct message* message) {
    return message->shape == 0; /* small cache, no handles, bytes in `payload` */
}

/* A message with the bytes in it and room for `handle_count` handles, which the caller fills in.
 * NO_MEMORY, INVALID_ARGS (bad user memory). Sizes are within the limits. No lock held. */
MUST_CHECK zx_status_t message_create_from_user(uintptr_t bytes_user, uint32_t byte_count,
                                                uint32_t handle_count, struct message** out);
/* The same with kernel memory; the byte count must be a small one (MESSAGE_KERNEL_BYTES_MAX). */
#define MESSAGE_KERNEL_BYTES_MAX 512u
MUST_CHECK struct message* message_create(const void* bytes, uint32_t byte_count,
                                          uint32_t handle_count);
/* Frees the memory; the handles were given away, or never filled in. */
static inline void message_free(struct message* message);
/* Releases the handles too. No lock held. */
void message_destroy(struct message* message);
/* Copies the bytes of a PAGED message out; false: bad user memory. A spinlock may be held: then
 * user pages that are not present make it fail. */
MUST_CHECK bool message_copy_out_paged(const struct message* message, uintptr_t to_user);

extern struct slab_cache message_small_cache;

/* The same as message_create_from_user, inline, for what is small even with its handles: false if
 * there is no memory, or bad user memory or such as is not present. Preemption is off. */
MUST_CHECK static ALWAYS_INLINE bool message_create_small_inner(uintptr_t bytes_user,
                                                                uint32_t byte_count,
                                                                uint32_t handle_count,
                                                                struct message** out) {
    struct message* message = slab_alloc_inner(&message_small_cache);
    if (unlikely(!message))
        return false;
    message->byte_count = byte_count;
    message->shape = handle_count;
    if (unlikely(!user_copy_in_small(message->payload + handle_count * sizeof(struct handle),
                                     bytes_user, byte_count))) {
        slab_free_inner(&message_small_cache, message);
        return false;
    }
    *out = message;
    return true;
}

MUST_CHECK static ALWAYS_INLINE bool message_create_small(uintptr_t bytes_user, uint32_t byte_count,
                                                          uint32_t handle_count,
                                                          struct message** out) {
    preempt_disable();
    bool is_made = message_create_small_inner(bytes_user, byte_count, handle_count, out);
    preempt_enable();
    return is_made;
}

static inline bool message_fits_small(uint32_t byte_count, uint32_t handle_count) {
    return byte_count + handle_count * sizeof(struct handle) <= MESSAGE_SMALL_ROOM;
}

static inline void message_free_small(struct message* message) {
    slab_free(&message_small_cache, message);
}
static inline void message_free_small_inner(struct message* message) {
    slab_free_inner(&message_small_cache, message); /* preemption is off */
}

void message_free_other(struct message* message);
static inline void message_free(struct message* message) {
    if (likely(!(message->shape & (MESSAGE_LARGE | MESSAGE_PAGED))))
        message_free_small(message);
    else
        message_free_other(message);
}

/* --- queues --------------------------------------------------------------------------------------
 */

/* Messages in the order written. The owner's lock guards it. Stays where it was initialized. */
struct message_queue {
    struct message* first;
    struct message** end;  /* where the next one is linked */
    uint32_t message_room; /* how many messages it still takes */
    uint32_t taken;        /* so far; with message_room it tells whether the queue changed */
    size_t byte_room;      /* bytes and handle entries before the bound; wraps beyond it */
    size_t handle_count;   /* handles waiting */
    bool is_full;          /* no room of either kind: nothing more is taken */
};

static inline void message_queue_init(struct message_queue* queue) {
    *queue = (struct message_queue){.message_room = CHANNEL_MAX_QUEUED_MESSAGES,
                                    .byte_room = CHANNEL_MAX_QUEUED_BYTES - 1};
    queue->end = &queue->first;
}

static inline bool message_queue_is_empty(const struct message_queue* queue) {
    return queue->first == NULL;
}

static inline size_t message_queued_size(const struct message* message) {
    return message->byte_count + message_handle_count(message) * sizeof(struct handle);
}

static inline void message_queue_update_full(struct message_queue* queue) {
    queue->is_full = queue->message_room == 0 || (int64_t)queue->byte_room < 0;
}

static inline uint32_t message_queue_count(const struct message_queue* queue) {
    return CHANNEL_MAX_QUEUED_MESSAGES - queue->message_room;
}

static inline size_t message_queue_size(const struct message_queue* queue) {
    return CHANNEL_MAX_QUEUED_BYTES - 1 - queue->byte_room;
}

/* `size` is message_queued_size, `handle_count` its handles: constants for some callers. True: the
 * queue is full now. */
MUST_CHECK static inline bool message_queue_push(struct message_queue* queue,
                                                 struct message* message, size_t size,
                                                 uint32_t handle_count) {
    queue->handle_count += handle_count;
    message->next = NULL;
    *queue->end = message;
    queue->end = &message->next;
    bool is_full = __builtin_sub_overflow(queue->byte_room, size, &queue->byte_room);
    if (unlikely(is_full)) /* not one condition, which would be worked out whole each time */
        queue->message_room--;
    else if (unlikely(--queue->message_room == 0))
        is_full = true;
    if (unlikely(is_full))
        queue->is_full = true;
    return is_full;
}

/* Takes the first; the queue is not empty. is_full is for the caller to bring up to date. */
static inline struct message* message_queue_pop(struct message_queue* queue, size_t size,
                                                uint32_t handle_count) {
    struct message* message = queue->first;
    queue->byte_room += size;
    queue->handle_count -= handle_count;
    queue->message_room++;
    queue->taken++;
    queue->first = message->next;
    if (!queue->first)
        queue->end = &queue->first;
    return message;
}

/* Takes all of them, in a chain by `next`. */
static inline struct message* message_queue_take_all(struct message_queue* queue) {
    struct message* first = queue->first;
    uint32_t taken = queue->taken + message_queue_count(queue);
    message_queue_init(queue);
    queue->taken = taken;
    return first;
}
