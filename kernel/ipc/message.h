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

static inline uint32_t message_handle_count(const struct message* message) {
    return message->shape & MESSAGE_HANDLES_MASK;
}

static inline struct handle* message_handles(struct message* message) {
    return message->shape & MESSAGE_PAGED ? (struct handle*)(message + 1)
                                          : (struct handle*)message->payload;
}

/* Without handles or pages. */
static inline bool message_is_plain(const struct message* message) {
    return likely((message->shape & (MESSAGE_HANDLES_MASK | MESSAGE_PAGED)) == 0);
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

/* Two sizes of allocation. The small one carries the usual message of a protocol, the large one the
 * handles of any message; both with as many bytes as fit behind the handles. */
#define MESSAGE_SMALL_SIZE 256u
#define MESSAGE_LARGE_SIZE 1344u
#define MESSAGE_SMALL_ROOM (MESSAGE_SMALL_SIZE - offsetof(struct message, payload))
#define MESSAGE_LARGE_ROOM (MESSAGE_LARGE_SIZE - offsetof(struct message, payload))
#define MESSAGE_KERNEL_BYTES_MAX 512u /* of a message that the kernel writes */

extern struct slab_cache message_small_cache, message_large_cache;

/* Frees the memory; the handles were given away, or never filled in. Preemption is off. */
void message_free_unusual(struct message* message);
static ALWAYS_INLINE void message_free_inner(struct message* message) {
    if (likely(!(message->shape & (MESSAGE_LARGE | MESSAGE_PAGED))))
        slab_put(&message_small_cache, message);
    else
        message_free_unusual(message);
}

static inline void message_free(struct message* message) {
    preempt_disable();
    message_free_inner(message);
    preempt_enable();
}

/* Releases the handles too. No lock held. */
void message_destroy(struct message* message);
/* What that costs, in units, without the objects that only the handles keep alive. A message is
 * destroyed in one piece of work, which must have so many units left. */
int64_t message_units(const struct message* message);
#define MESSAGE_UNITS_MAX 90

/* Without bytes yet, and without handles. NULL: no memory. */
struct message* message_alloc(uint32_t byte_count, uint32_t handle_count);
/* A message with the bytes in it and room for `handle_count` handles, which the caller fills in.
 * OUT_OF_RANGE beyond the limits, NO_MEMORY, INVALID_ARGS (bad user memory). No lock held. */
MUST_CHECK zx_status_t message_create_from_user(uintptr_t bytes_user, size_t byte_count,
                                                size_t handle_count, struct message** out);
/* The first attempt at that, for small messages. NULL: message_create_from_user will do it, or find
 * the error. Preemption is off, so pages that are missing stay so. */
static ALWAYS_INLINE struct message* message_create_small(uintptr_t bytes_user, size_t byte_count,
                                                          size_t handle_count) {
    size_t handles_size = handle_count * sizeof(struct handle);
    if (unlikely(handles_size + byte_count > MESSAGE_SMALL_ROOM))
        return NULL;
    ASSUME(byte_count <= MESSAGE_SMALL_ROOM);
    struct message* message = slab_alloc_inner(&message_small_cache);
    if (unlikely(!message))
        return NULL;
    message->byte_count = (uint32_t)byte_count;
    message->shape = (uint32_t)handle_count;
    if (unlikely(byte_count == 0) ||
        likely(user_copy_in_small(message->payload + handles_size, bytes_user, byte_count)))
        return message;
    slab_undo_alloc(&message_small_cache, message);
    return NULL;
}

/* The same with kernel memory; at most MESSAGE_KERNEL_BYTES_MAX bytes. NULL: no memory. */
MUST_CHECK struct message* message_create(const void* bytes, uint32_t byte_count,
                                          uint32_t handle_count);
/* Copies the bytes of a PAGED message out; false: bad user memory. A spinlock may be held: then
 * user pages that are not present make it fail. */
MUST_CHECK bool message_copy_out_paged(const struct message* message, uintptr_t to_user);

/* --- queues --------------------------------------------------------------------------------------
 */

/* Messages in the order written. The owner's lock guards it. Stays where it was initialized. */
struct message_queue {
    struct message* first;
    struct message** end;  /* where the next one is linked */
    uint32_t message_room; /* how many messages it still takes */
    uint32_t taken;        /* so far; with message_room it tells whether the queue changed */
    int64_t byte_room;     /* bytes and handle entries before the bound; negative beyond it */
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

/* Whether the first message has handles. */
static inline bool message_queue_has_handles_first(const struct message_queue* queue) {
    return queue->first && message_handle_count(queue->first) > 0;
}

static inline bool message_queue_has_room(const struct message_queue* queue) {
    return likely(queue->message_room > 0) && likely(queue->byte_room >= 0);
}

static inline size_t message_queued_size(const struct message* message) {
    return message->byte_count + message_handle_count(message) * sizeof(struct handle);
}

static inline uint32_t message_queue_count(const struct message_queue* queue) {
    return CHANNEL_MAX_QUEUED_MESSAGES - queue->message_room;
}

static inline size_t message_queue_size(const struct message_queue* queue) {
    return (size_t)(CHANNEL_MAX_QUEUED_BYTES - 1 - queue->byte_room);
}

/* The queue is not full; returns whether it is now. `size` is the message's (message_queued_size),
 * `handle_count` its handles: constants for some callers. */
MUST_CHECK static inline bool message_queue_push(struct message_queue* queue,
                                                 struct message* message, size_t size,
                                                 uint32_t handle_count) {
    queue->handle_count += handle_count;
    queue->byte_room -= (int64_t)size;
    queue->message_room--;
    message->next = NULL;
    *queue->end = message;
    queue->end = &message->next;
    if (message_queue_has_room(queue))
        return false;
    queue->is_full = true;
    return true;
}

/* Takes `message`, the first. is_full is for the caller to bring up to date. */
static inline void message_queue_pop(struct message_queue* queue, const struct message* message,
                                     size_t size, uint32_t handle_count) {
    queue->byte_room += (int64_t)size;
    queue->handle_count -= handle_count;
    queue->message_room++;
    queue->taken++;
    queue->first = message->next;
    if (!queue->first)
        queue->end = &queue->first;
}

/* Takes all of them, in a chain by `next`. */
static inline struct message* message_queue_take_all(struct message_queue* queue) {
    struct message* first = queue->first;
    uint32_t taken = queue->taken + message_queue_count(queue);
    message_queue_init(queue);
    queue->taken = taken;
    return first;
}
