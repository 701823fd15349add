#include <ipc/message.h>

#include <arch/layout.h>
#include <arch/user_copy.h>
#include <debug/panic.h>
#include <lib/compiler.h>
#include <lib/string.h>
#include <lib/units.h>
#include <mm/page.h>
#include <mm/slab.h>

#define UNITS(bytes, handles) (2 + (handles) + (bytes) / PAGE_SIZE)

_Static_assert(UNITS(ZX_CHANNEL_MAX_MSG_BYTES, ZX_CHANNEL_MAX_MSG_HANDLES) <= MESSAGE_UNITS_MAX &&
                   MESSAGE_UNITS_MAX <= UNITS_PER_PIECE - 10,
               "a piece that has just begun has units enough for any message");
_Static_assert(MESSAGE_LARGE_SIZE - sizeof(struct message) >=
                   ZX_CHANNEL_MAX_MSG_HANDLES * sizeof(struct handle),
               "the handles of any message fit");
_Static_assert(MESSAGE_LARGE_ROOM >= MESSAGE_KERNEL_BYTES_MAX + 16 * sizeof(struct handle),
               "the kernel's own messages fit");

struct slab_cache message_small_cache HOT_DATA =
    SLAB_CACHE_INITIALIZER_BY_LINES(message_small_cache, "small message", MESSAGE_SMALL_SIZE);
struct slab_cache message_large_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(message_large_cache, "large message", MESSAGE_LARGE_SIZE);

static struct slab_cache* cache_for(uint32_t shape) {
    return shape & MESSAGE_LARGE ? &message_large_cache : &message_small_cache;
}

void message_free_unusual(struct message* message) {
    struct list_node* node;
    while ((message->shape & MESSAGE_PAGED) && (node = list_first(&message->pages))) {
        list_remove(node);
        page_free(LIST_ENTRY(node, struct page, node));
    }
    slab_put(cache_for(message->shape), message);
}

void message_destroy(struct message* message) {
    struct handle* handles = message_handles(message);
    for (uint32_t i = 0; i < message_handle_count(message); i++)
        handle_release(handles[i]);
    message_free(message);
}

int64_t message_units(const struct message* message) {
    return UNITS(message->byte_count, message_handle_count(message));
}

/* Chooses the cache, and whether the bytes need pages. */
static uint32_t shape_for(uint32_t byte_count, uint32_t handle_count) {
    size_t handles_size = handle_count * sizeof(struct handle);
    size_t size = handles_size + byte_count;
    if (size <= MESSAGE_SMALL_ROOM)
        return handle_count;
    if (size <= MESSAGE_LARGE_ROOM)
        return handle_count | MESSAGE_LARGE;
    return handle_count | MESSAGE_PAGED |
           (handles_size > MESSAGE_SMALL_SIZE - sizeof(struct message) ? MESSAGE_LARGE : 0);
}

inline struct message* message_alloc(uint32_t byte_count, uint32_t handle_count) {
    uint32_t shape = shape_for(byte_count, handle_count);
    struct message* message = slab_alloc(cache_for(shape));
    if (!message)
        return NULL;
    message->byte_count = byte_count;
    message->shape = shape;
    if (shape & MESSAGE_PAGED)
        list_init(&message->pages);
    return message;
}

static zx_status_t fill_pages(struct message* message, uintptr_t from_user) {
    for (size_t done = 0; done < message->byte_count; done += PAGE_SIZE) {
        struct page* page = page_alloc();
        if (!page)
            return ZX_ERR_NO_MEMORY;
        list_push_back(&message->pages, &page->node);
        size_t span = MIN(message->byte_count - done, PAGE_SIZE);
        if (!user_copy_in_small(page_to_virtual(page), from_user + done, span))
            return ZX_ERR_INVALID_ARGS;
    }
    return ZX_OK;
}

zx_status_t message_create_from_user(uintptr_t bytes_user, size_t byte_count, size_t handle_count,
                                     struct message** out) {
    if (byte_count > ZX_CHANNEL_MAX_MSG_BYTES || handle_count > ZX_CHANNEL_MAX_MSG_HANDLES)
        return ZX_ERR_OUT_OF_RANGE;
    struct message* message = message_alloc((uint32_t)byte_count, (uint32_t)handle_count);
    if (!message)
        return ZX_ERR_NO_MEMORY;
    zx_status_t status = ZX_OK;
    if (message->shape & MESSAGE_PAGED)
        status = fill_pages(message, bytes_user);
    else if (byte_count > 0 &&
             !user_copy_in_small(message_inline_bytes(message), bytes_user, byte_count))
        status = ZX_ERR_INVALID_ARGS;
    if (status != ZX_OK) {
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
        memcpy(message_inline_bytes(message), bytes, byte_count);
    return message;
}

uint8_t* message_first_page(struct message* message) {
    return page_to_virtual(LIST_ENTRY(list_first(&message->pages), struct page, node));
}

bool message_copy_out_paged(const struct message* message, uintptr_t to_user) {
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
