/* Messages: bytes and handles on their way, and the queues in which they wait.
 *
 * Rules for messages:
 * - A small message is one allocation: header, handles, bytes. Bytes that do not fit are in a chain
 *   of pages, so no message needs contiguous memory.
 * - Bytes are copied in once, when the message is made, and out once, when it is read.
 * - A message owns its handles: one reference and one handle count each.
 * - A message has one owner: the thread that makes or reads it, a queue, or a call whose reply it
 *   is. Only the owner changes it. */
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
    uint32_t shape; /* the number of handles, MESSAGE_LARGE, MESSAGE_PAGED */
    union {
        struct list pages;   /* struct page.node: the bytes, if PAGED */
        uint8_t payload[16]; /* if not PAGED: handles, then bytes */
    };
};

#define MESSAGE_HANDLES_MASK 0xffu
#define MESSAGE_LARGE (1u << 8) /* it came from message_large_cache */
#define MESSAGE_PAGED (1u << 9) /* handles behind the header, bytes in pages */

static inline uint32_t message_handle_count(const struct message* message) {
    return message->shape & MESSAGE_HANDLES_MASK;
}

static inline struct handle* message_handles(struct message* message) {
    return message->shape & MESSAGE_PAGED ? (struct handle*)(message + 1)
                                          : (struct handle*)message->payload;
}

/* Whether the message has neither handles nor pages. */
static inline bool message_is_plain(const struct message* message) {
    return likely((message->shape & (MESSAGE_HANDLES_MASK | MESSAGE_PAGED)) == 0);
}

/* Returns the bytes of a message that is not PAGED. They are behind the handles. */
static inline uint8_t* message_inline_bytes(struct message* message) {
    return message->payload + message_handle_count(message) * sizeof(struct handle);
}

uint8_t* message_first_page(struct message* message); /* when PAGED */

/* Returns the place of the id: the first four bytes. The message has at least four bytes. */
static inline uint32_t* message_id_place(struct message* message) {
    return (uint32_t*)(unlikely(message->shape & MESSAGE_PAGED) ? message_first_page(message)
                                                                : message_inline_bytes(message));
}

/* Returns the id; 0 if the message has fewer than four bytes. */
static inline uint32_t message_id(struct message* message) {
    return message->byte_count >= sizeof(uint32_t) ? *message_id_place(message) : 0;
}

static inline void message_set_id(struct message* message, uint32_t id) {
    *message_id_place(message) = id;
}

/* Two sizes of allocation. The small one carries the usual message of a protocol, the large one the
 * handles of any message. Bytes follow the handles, as many as fit. */
#define MESSAGE_SMALL_SIZE 256u
#define MESSAGE_LARGE_SIZE 1344u
#define MESSAGE_SMALL_ROOM (MESSAGE_SMALL_SIZE - offsetof(struct message, payload))
#define MESSAGE_LARGE_ROOM (MESSAGE_LARGE_SIZE - offsetof(struct message, payload))
#define MESSAGE_KERNEL_BYTES_MAX 512u /* of a message that the kernel writes */

extern struct slab_cache message_small_cache, message_large_cache;

/* Frees the memory of a message whose handles were given away or never filled in. Preemption is
 * off. message_free_unusual is the slow path. */
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

/* Releases the handles and frees the memory. No lock held. */
void message_destroy(struct message* message);
/* Returns what message_destroy costs, in units. Objects that only the handles keep alive are not
 * counted. A message is destroyed in one piece of work, which must have that many units left. */
int64_t message_units(const struct message* message);
#define MESSAGE_UNITS_MAX 90

/* Allocates a message. Its bytes and handles are not filled in yet. NULL: no memory. */
struct message* message_alloc(uint32_t byte_count, uint32_t handle_count);
/* A message with the bytes in it and room for `handle_count` handles, which the caller fills in.
 * OUT_OF_RANGE beyond the limits, NO_MEMORY, INVALID_ARGS (bad user memory). No lock held. */
MUST_CHECK zx_status_t message_create_from_user(uintptr_t bytes_user, size_t byte_count,
                                                size_t handle_count, struct message** out);
/* The first attempt of message_create_from_user, for small messages. NULL: the caller must call
 * message_create_from_user, which succeeds or returns the error. Preemption is off, so a user page
 * that is not present makes the attempt fail. */
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

/* Makes a message from kernel memory, with at most MESSAGE_KERNEL_BYTES_MAX bytes. NULL: no
 * memory. */
MUST_CHECK struct message* message_create(const void* bytes, uint32_t byte_count,
                                          uint32_t handle_count);
/* Copies the bytes of a PAGED message out; false: bad user memory. A spinlock may be held: then a
 * user page that is not present makes the copy fail. */
MUST_CHECK bool message_copy_out_paged(const struct message* message, uintptr_t to_user);

/* --- queues --------------------------------------------------------------------------------------
 */

/* Messages in the order in which they were written. The owner's lock guards the queue. A queue
 * never moves in memory, because `end` may point into it. */
struct message_queue {
    struct message* first;
    struct message** end;  /* where the next one is linked */
    uint32_t message_room; /* how many messages it still takes */
    uint32_t taken;        /* messages taken so far; shows changes, together with message_room */
    int64_t byte_room;     /* bytes and handle entries before the bound; negative beyond it */
    size_t handle_count;   /* handles waiting */
    bool is_full;          /* no room for a message or for bytes, so no message is added */
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

/* Adds a message to a queue that is not full. Returns whether the queue is full now. `size` is the
 * message's (message_queued_size), `handle_count` its handles: constants for some callers. */
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

/* Removes `message`, the first one. The caller updates is_full. */
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

/* Removes all messages. Returns the first one; the others follow it by `next`. */
static inline struct message* message_queue_take_all(struct message_queue* queue) {
    struct message* first = queue->first;
    uint32_t taken = queue->taken + message_queue_count(queue);
    message_queue_init(queue);
    queue->taken = taken;
    return first;
}
