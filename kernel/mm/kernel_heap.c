/* Two areas: stacks in slots of fixed size, and device mappings, which are never taken back.
 *
 * A slot is half guard, half stack. Stacks that were freed stay mapped in a small cache, chained
 * through their lowest word; beyond that their pages go back and the slot's bit is cleared. */
#include <mm/kernel_heap.h>

#include <arch/layout.h>
#include <arch/paging.h>
#include <debug/panic.h>
#include <lib/compiler.h>
#include <lock/spinlock.h>
#include <mm/page.h>

#define STACK_SLOT_SIZE (2 * KERNEL_STACK_SIZE)
#define STACK_SLOTS 65536u
#define STACK_CACHE_LIMIT 64u
#define DEVICE_AREA_BASE (KERNEL_HEAP_BASE + KERNEL_HEAP_SIZE / 2)
#define BITS_PER_WORD 64u

_Static_assert(STACK_SLOTS* STACK_SLOT_SIZE <= KERNEL_HEAP_SIZE / 2, "the areas overlap");

static struct spinlock lock = SPINLOCK_INITIALIZER(LOCK_KERNEL_HEAP); /* guards all below */
static uint64_t slots_used[STACK_SLOTS / BITS_PER_WORD];
static uint32_t search_from; /* word of slots_used: all before it are full */
static void** cached_stacks;
static uint32_t cached_count;
static virtual_address_t next_device_address = DEVICE_AREA_BASE;

static virtual_address_t slot_top(uint32_t slot) {
    return KERNEL_HEAP_BASE + (slot + 1ul) * STACK_SLOT_SIZE;
}

static bool take_slot(uint32_t* slot) {
    for (; search_from < ARRAY_LENGTH(slots_used); search_from++) {
        uint64_t word = slots_used[search_from];
        if (word == UINT64_MAX)
            continue;
        uint32_t bit = (uint32_t)__builtin_ctzl(~word);
        slots_used[search_from] |= 1ul << bit;
        *slot = search_from * BITS_PER_WORD + bit;
        return true;
    }
    return false;
}

static void give_slot_back(uint32_t slot) {
    uint32_t word = slot / BITS_PER_WORD;
    slots_used[word] &= ~(1ul << slot % BITS_PER_WORD);
    search_from = MIN(search_from, word);
}

/* Takes the pages out of the tables first, then frees them: no CPU may see a page that has a new
 * owner. */
static void unmap_stack(virtual_address_t base, size_t size) {
    struct page* pages[KERNEL_STACK_SIZE / PAGE_SIZE];
    size_t count = 0;
    for (size_t offset = 0; offset < size; offset += PAGE_SIZE) {
        physical_address_t physical;
        uint32_t flags;
        if (page_table_query(page_table_kernel(), base + offset, &physical, &flags))
            pages[count++] = page_from_physical(physical);
    }
    page_table_unmap(page_table_kernel(), base, size);
    while (count > 0)
        page_free(pages[--count]);
}

static bool map_stack(virtual_address_t base) {
    for (size_t offset = 0; offset < KERNEL_STACK_SIZE; offset += PAGE_SIZE) {
        struct page* page = page_alloc();
        if (page && page_table_map(page_table_kernel(), base + offset, page_to_physical(page),
                                   PAGING_READ | PAGING_WRITE) == 0)
            continue;
        if (page)
            page_free(page);
        unmap_stack(base, offset);
        return false;
    }
    return true;
}

void* kernel_stack_alloc(void) {
    spin_lock(&lock);
    void* top = NULL;
    uint32_t slot;
    if (cached_stacks) {
        void** stack = cached_stacks;
        cached_stacks = *stack;
        cached_count--;
        top = (char*)stack + KERNEL_STACK_SIZE;
    } else if (take_slot(&slot)) {
        if (map_stack(slot_top(slot) - KERNEL_STACK_SIZE))
            top = (void*)slot_top(slot);
        else
            give_slot_back(slot);
    }
    spin_unlock(&lock);
    return top;
}

void kernel_stack_free(void* top) {
    void** stack = (void**)((char*)top - KERNEL_STACK_SIZE);
    spin_lock(&lock);
    if (cached_count < STACK_CACHE_LIMIT) {
        *stack = cached_stacks;
        cached_stacks = stack;
        cached_count++;
    } else {
        unmap_stack((virtual_address_t)stack, KERNEL_STACK_SIZE);
        give_slot_back((uint32_t)(((virtual_address_t)stack - KERNEL_HEAP_BASE) / STACK_SLOT_SIZE));
    }
    spin_unlock(&lock);
}

void kernel_stack_trim(void) {
    spin_lock(&lock);
    while (cached_stacks) {
        void** stack = cached_stacks;
        cached_stacks = *stack;
        cached_count--;
        unmap_stack((virtual_address_t)stack, KERNEL_STACK_SIZE);
        give_slot_back((uint32_t)(((virtual_address_t)stack - KERNEL_HEAP_BASE) / STACK_SLOT_SIZE));
    }
    spin_unlock(&lock);
}

bool kernel_stack_is_guard(virtual_address_t address) {
    return address >= KERNEL_HEAP_BASE &&
           address < KERNEL_HEAP_BASE + STACK_SLOTS * STACK_SLOT_SIZE &&
           address % STACK_SLOT_SIZE < STACK_SLOT_SIZE - KERNEL_STACK_SIZE;
}

volatile void* device_map(physical_address_t address, size_t size) {
    uint64_t start = ALIGN_DOWN(address.value, PAGE_SIZE);
    size_t length = ALIGN_UP(address.value + size, PAGE_SIZE) - start;
    spin_lock(&lock);
    virtual_address_t base = next_device_address;
    bool is_mapped = true;
    for (size_t offset = 0; offset < length && is_mapped; offset += PAGE_SIZE)
        is_mapped =
            page_table_map(page_table_kernel(), base + offset, physical_address(start + offset),
                           PAGING_READ | PAGING_WRITE | PAGING_UNCACHED) == 0;
    if (is_mapped)
        next_device_address += length + PAGE_SIZE;
    else
        page_table_unmap(page_table_kernel(), base, length);
    spin_unlock(&lock);
    return is_mapped ? (volatile void*)(base + (address.value - start)) : NULL;
}
