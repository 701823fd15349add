/* Memory: malloc behind the kernel's allocators, and the program's own memory as user memory. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <arch/preempt.h>
#include <arch/user_copy.h>
#include <mm/fail_allocation.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/window.h>

#include "shim.h"

#define FRESH_PATTERN 0xcd

static atomic_size_t live;

static void* allocate_always(size_t size) {
    void* memory = malloc(size);
    if (!memory)
        abort();
    memset(memory, FRESH_PATTERN, size);
    atomic_fetch_add(&live, 1);
    return memory;
}

static void* allocate(size_t size) {
    return allocation_must_fail() ? NULL : allocate_always(size);
}

static void give_back(void* memory) {
    if (!memory)
        return;
    atomic_fetch_sub(&live, 1);
    free(memory);
}

struct slab_magazine slab_no_magazine; /* so each object is taken and put here */

void* slab_take_slow(struct slab_cache* cache) {
    return allocate_always(cache->object_size);
}

void* slab_alloc_zeroed(struct slab_cache* cache) {
    void* object = slab_alloc(cache);
    return object ? memset(object, 0, cache->object_size) : NULL;
}

void slab_put_slow(struct slab_cache* cache, void* object) {
    (void)cache;
    give_back(object);
}

void slab_debug_allocated(const char* cache, void* object, size_t size) {
    (void)cache, (void)object, (void)size;
}

void slab_debug_freed(const char* cache, void* object, size_t size) {
    (void)cache, (void)object, (void)size;
}

size_t slab_objects_in_use(void) {
    return atomic_load(&live);
}

void* heap_alloc(size_t size) {
    return allocate(size);
}

void* heap_alloc_zeroed(size_t size) {
    void* memory = allocate(size);
    return memory ? memset(memory, 0, size) : NULL;
}

void heap_free(void* memory) {
    give_back(memory);
}

/* A page's memory hangs at its record, whose `owner` is the kernel's to use: so it stands in
 * front. A test may have pages of its own instead, so these functions are weak. */
struct shim_page {
    struct page page;
    void* memory;
};

__attribute__((weak)) struct page* page_alloc(void) {
    struct shim_page* page = allocate(sizeof(*page));
    if (!page)
        return NULL;
    *page = (struct shim_page){.page = {.state = PAGE_ALLOCATED}, .memory = malloc(PAGE_SIZE)};
    if (!page->memory)
        abort();
    memset(page->memory, FRESH_PATTERN, PAGE_SIZE);
    return &page->page;
}

__attribute__((weak)) void page_free(struct page* page) {
    struct shim_page* shim = CONTAINER_OF(page, struct shim_page, page);
    free(shim->memory);
    give_back(shim);
}

__attribute__((weak)) physical_address_t page_to_physical(const struct page* page) {
    const struct shim_page* shim = CONTAINER_OF(page, const struct shim_page, page);
    return virtual_to_physical(shim->memory);
}

/* There are no address spaces here, so nothing has a window. */
void window_destroy(struct window* window) {
    (void)window;
    abort();
}

/* --- user memory ------------------------------------------------------------------------------ */

static uintptr_t forbidden_start;
static size_t forbidden_size;
static _Atomic unsigned accesses_left;
static atomic_bool was_absent;
static void (*on_next_fault_in)(void);

void user_forbid(const void* start, size_t size) {
    forbidden_start = (uintptr_t)start;
    forbidden_size = size;
}

void user_absent_nth(unsigned nth) {
    accesses_left = nth;
    if (nth > 0)
        was_absent = false;
}

bool user_was_absent(void) {
    return was_absent;
}

static bool is_reachable(uintptr_t address, size_t size) {
    if (size == 0)
        return true;
    return address >= USER_ADDRESS_MIN && user_range_is_valid(address, size) &&
           (address >= forbidden_start + forbidden_size || address + size <= forbidden_start);
}

/* Without a lock the page would be brought in on the way. */
static bool can_access(uintptr_t address, size_t size) {
    if (size > 0 && preempt_depth() > 0 && accesses_left > 0 && --accesses_left == 0) {
        was_absent = true;
        return false;
    }
    return is_reachable(address, size);
}

void user_on_next_fault_in(void (*action)(void)) {
    on_next_fault_in = action;
}

bool user_fault_in(uintptr_t address, size_t size, bool is_write) {
    (void)is_write;
    void (*action)(void) = on_next_fault_in;
    on_next_fault_in = NULL;
    if (action)
        action();
    return is_reachable(address, size);
}

bool user_copy_in(void* to, uintptr_t from_user, size_t size) {
    if (!can_access(from_user, size))
        return false;
    if (size > 0)
        memcpy(to, (const void*)from_user, size);
    return true;
}

bool user_copy_out(uintptr_t to_user, const void* from, size_t size) {
    if (!can_access(to_user, size))
        return false;
    if (size > 0)
        memcpy((void*)to_user, from, size);
    return true;
}

bool user_touch_with_words(uintptr_t address, size_t size, uintptr_t word0, uintptr_t word1) {
    return (size == 0 || can_access(address, size)) && (!word0 || can_access(word0, 4)) &&
           (!word1 || can_access(word1, 4));
}

bool user_load_words(uintptr_t from0, uint32_t* value0, uintptr_t from1, uint32_t* value1) {
    return (!from0 || user_copy_in(value0, from0, sizeof(*value0))) &&
           (!from1 || user_copy_in(value1, from1, sizeof(*value1)));
}

bool user_write_word(uintptr_t to_user, uint32_t value) {
    return user_copy_out(to_user, &value, sizeof(value));
}

bool user_write_size(uintptr_t to_user, size_t value) {
    return user_copy_out(to_user, &value, sizeof(value));
}

bool user_copy_in_with_size(void* to, uintptr_t from_user, size_t size, uintptr_t actual_user,
                            size_t actual) {
    return user_copy_in(to, from_user, size) &&
           (!actual_user || user_write_size(actual_user, actual));
}

bool user_copy_out_with(uintptr_t to_user, const void* from, size_t size, struct user_word word0,
                        struct user_word word1, size_t word_size) {
    const struct user_word words[] = {word0, word1};
    for (unsigned i = 0; i < 2; i++)
        if (words[i].address && !can_access(words[i].address, word_size))
            return false;
    if (!user_copy_out(to_user, from, size))
        return false;
    for (unsigned i = 0; i < 2; i++)
        if (words[i].address)
            memcpy((void*)words[i].address, &words[i].value, word_size);
    return true;
}
