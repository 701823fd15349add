#include <object/message.h>

#include <arch/layout.h>
#include <arch/user_copy.h>
#include <debug/panic.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>

/* Two sizes of allocation. The small one carries the usual message of a protocol, the large one the handles
 * of any message; both with as many bytes as fit behind the handles. */
#define SMALL_SIZE 256u
#define LARGE_SIZE 1344u
#define SMALL_ROOM (SMALL_SIZE - sizeof(struct message))
#define LARGE_ROOM (LARGE_SIZE - sizeof(struct message))
_Static_assert(LARGE_ROOM >= ZX_CHANNEL_MAX_MSG_HANDLES * sizeof(struct handle),
               "the handles of any message fit");
_Static_assert(LARGE_ROOM >= MESSAGE_KERNEL_BYTES_MAX + 16 * sizeof(struct handle),
               "the kernel's own messages fit");

static struct slab_cache small_cache =
    SLAB_CACHE_INITIALIZER(small_cache, "small message", SMALL_SIZE);
static struct slab_cache large_cache =
    SLAB_CACHE_INITIALIZER(large_cache, "large message", LARGE_SIZE);

/* --- life ---------------------------------------------------------------------------------- */

static inline uint8_t* inline_bytes(const struct message* message) {
    return (uint8_t*)(message->handles + message->handle_count);
}

/* Header and handles, and the bytes when they fit; `is_paged` says whether they do. */
static inline struct message* message_alloc(uint32_t byte_count, uint32_t handle_count) {
    size_t handles_size = handle_count * sizeof(struct handle);
    size_t size = handles_size + byte_count;
    bool is_large = size > SMALL_ROOM && (size <= LARGE_ROOM || handles_size > SMALL_ROOM);
    struct message* message = slab_alloc(is_large ? &large_cache : &small_cache);
    if (unlikely(!message))
        return NULL;
    message->byte_count = byte_count;
    message->handle_count = (uint8_t)handle_count;
    message->is_large = is_large;
    message->is_paged = size > LARGE_ROOM;
    if (message->is_paged)
        list_init(&message->pages);
    return message;
}

static void pages_free(struct message* message) {
    struct list_node* node;
    while ((node = list_pop_front(&message->pages)))
        page_free(LIST_ENTRY(node, struct page, node));
}

void message_free(struct message* message) {
    if (unlikely(message->is_paged))
        pages_free(message);
    slab_free(message->is_large ? &large_cache : &small_cache, message);
}

void message_destroy(struct message* message) {
    for (uint32_t i = 0; i < message->handle_count; i++)
        handle_release(message->handles[i]);
    message_free(message);
}

static zx_status_t fill_pages(struct message* message, uintptr_t from_user) {
    for (size_t done = 0; done < message->byte_count; done += PAGE_SIZE) {
        struct page* page = page_alloc();
        if (!page)
            return ZX_ERR_NO_MEMORY;
        list_push_back(&message->pages, &page->node);
        size_t span = MIN(message->byte_count - done, PAGE_SIZE);
        if (!user_copy_in(page_to_virtual(page), from_user + done, span))
            return ZX_ERR_INVALID_ARGS;
    }
    return ZX_OK;
}

zx_status_t message_create_from_user(uintptr_t bytes_user, uint32_t byte_count,
                                     uint32_t handle_count, struct message** out) {
    struct message* message = message_alloc(byte_count, handle_count);
    if (unlikely(!message))
        return ZX_ERR_NO_MEMORY;
    zx_status_t status = ZX_OK;
    if (unlikely(message->is_paged))
        status = fill_pages(message, bytes_user);
    else if (byte_count > 0 && !user_copy_in(inline_bytes(message), bytes_user, byte_count))
        status = ZX_ERR_INVALID_ARGS;
    if (unlikely(status != ZX_OK)) {
        message_free(message);
        return status;
    }
    *out = message;
    return ZX_OK;
}

struct message* message_create(const void* bytes, uint32_t byte_count, uint32_t handle_count) {
    ASSERT(byte_count <= MESSAGE_KERNEL_BYTES_MAX);
    struct message* message = message_alloc(byte_count, handle_count);
    if (message)
        memcpy(inline_bytes(message), bytes, byte_count);
    return message;
}

static bool copy_out_pages(const struct message* message, uintptr_t to_user) {
    size_t done = 0;
    LIST_FOR_EACH(node, &message->pages) {
        const struct page* page = LIST_ENTRY(node, struct page, node);
        size_t span = MIN(message->byte_count - done, PAGE_SIZE);
        if (!user_copy_out(to_user + done, page_to_virtual(page), span))
            return false;
        done += span;
    }
    return true;
}

bool message_copy_out(const struct message* message, uintptr_t to_user) {
    if (message->byte_count == 0)
        return true;
    if (unlikely(message->is_paged))
        return copy_out_pages(message, to_user);
    return user_copy_out(to_user, inline_bytes(message), message->byte_count);
}
