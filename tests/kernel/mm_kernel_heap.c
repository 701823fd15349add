/* Kernel stacks and their guard pages, and device mappings. */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <debug/selftest.h>
#include <lib/string.h>
#include <mm/kernel_heap.h>
#include <mm/page.h>

#include "all_cpus.h"

#define MANY 150u /* more than the cache of freed stacks keeps */
#define LOCAL_APIC 0xfee00000ul
#define LOCAL_APIC_VERSION 0x30

static void* stacks[MANY];

static uint32_t flags_at(virtual_address_t address) {
    physical_address_t physical;
    uint32_t flags = 0;
    page_table_query(page_table_kernel(), address, &physical, &flags);
    return flags;
}

SELFTEST(mm_kernel_heap, a_stack_is_writable_and_its_guard_is_not_there) {
    char* top = kernel_stack_alloc();
    EXPECT(top != NULL);
    EXPECT(IS_ALIGNED((uintptr_t)top, 16ul));
    char* bottom = top - KERNEL_STACK_SIZE;
    memset(bottom, 0x5a, KERNEL_STACK_SIZE);
    for (char* at = bottom; at < top; at += PAGE_SIZE) {
        EXPECT(flags_at((virtual_address_t)at) & PAGING_WRITE);
        EXPECT(!kernel_stack_is_guard((virtual_address_t)at));
    }
    EXPECT_EQUAL(flags_at((virtual_address_t)bottom - 1), 0);
    EXPECT(kernel_stack_is_guard((virtual_address_t)bottom - 1));
    EXPECT(kernel_stack_is_guard((virtual_address_t)bottom - PAGE_SIZE));
    EXPECT(!kernel_stack_is_guard((virtual_address_t)top - 1));
    kernel_stack_free(top);
}

SELFTEST(mm_kernel_heap, guards_are_known_only_in_the_stack_area) {
    EXPECT(!kernel_stack_is_guard(0));
    EXPECT(!kernel_stack_is_guard(KERNEL_HEAP_BASE - 1));
    EXPECT(kernel_stack_is_guard(KERNEL_HEAP_BASE));
    EXPECT(!kernel_stack_is_guard(KERNEL_HEAP_BASE + KERNEL_HEAP_SIZE / 2));
    EXPECT(!kernel_stack_is_guard(PHYSICAL_MAP_BASE));
    EXPECT(!kernel_stack_is_guard(UINT64_MAX));
}

SELFTEST(mm_kernel_heap, many_stacks_are_apart_and_their_pages_come_back) {
    kernel_stack_trim();
    size_t free_before = page_count_free();
    for (unsigned i = 0; i < MANY; i++) {
        stacks[i] = kernel_stack_alloc();
        EXPECT(stacks[i] != NULL);
        memset((char*)stacks[i] - KERNEL_STACK_SIZE, (int)i, KERNEL_STACK_SIZE);
    }
    for (unsigned i = 0; i < MANY; i++) {
        const uint8_t* bottom = (const uint8_t*)stacks[i] - KERNEL_STACK_SIZE;
        for (size_t j = 0; j < KERNEL_STACK_SIZE; j += 64)
            EXPECT_EQUAL(bottom[j], i);
    }
    EXPECT(free_before - page_count_free() >= MANY * KERNEL_STACK_SIZE / PAGE_SIZE);
    for (unsigned i = 0; i < MANY; i++)
        kernel_stack_free(stacks[i * 7 % MANY]);
    EXPECT(page_count_free() < free_before); /* some stay mapped for the next threads */
    kernel_stack_trim();
    EXPECT_EQUAL(page_count_free(), free_before);
}

SELFTEST(mm_kernel_heap, a_freed_stack_is_used_again_as_it_is_mapped) {
    void* first = kernel_stack_alloc();
    EXPECT(first != NULL);
    kernel_stack_free(first);
    size_t free_before = page_count_free();
    void* again = kernel_stack_alloc();
    EXPECT(again == first);
    EXPECT_EQUAL(page_count_free(), free_before);
    kernel_stack_free(again);
}

static void take_and_give(void* cpu) {
    void* mine[8];
    for (unsigned i = 0; i < 150; i++) {
        for (unsigned j = 0; j < 8; j++) {
            mine[j] = kernel_stack_alloc();
            EXPECT(mine[j] != NULL);
            ((uintptr_t*)mine[j])[-1] = (uintptr_t)cpu * 8 + j;
            ((uintptr_t*)((char*)mine[j] - KERNEL_STACK_SIZE))[1] = (uintptr_t)cpu * 8 + j;
        }
        for (unsigned j = 0; j < 8; j++) {
            EXPECT_EQUAL(((uintptr_t*)mine[j])[-1], (uintptr_t)cpu * 8 + j);
            EXPECT_EQUAL(((uintptr_t*)((char*)mine[j] - KERNEL_STACK_SIZE))[1],
                         (uintptr_t)cpu * 8 + j);
            kernel_stack_free(mine[j]);
        }
        if (i % 16 == 0)
            kernel_stack_trim(); /* so that others get what was just unmapped here */
    }
}

SELFTEST(mm_kernel_heap, all_cpus_take_and_give_stacks) {
    size_t free_before = pages_free_when_trimmed();
    EXPECT(run_on_all_cpus(take_and_give));
    EXPECT(pages_come_back(free_before));
}

SELFTEST(mm_kernel_heap, device_memory_is_mapped_at_its_offset) {
    const volatile uint32_t* page = device_map(physical_address(LOCAL_APIC), PAGE_SIZE);
    EXPECT(page != NULL);
    EXPECT(IS_ALIGNED((uintptr_t)page, PAGE_SIZE));
    uint32_t flags = flags_at((virtual_address_t)page);
    EXPECT(flags & PAGING_UNCACHED);
    EXPECT(!(flags & (PAGING_EXECUTE | PAGING_USER)) || !cpu_features.has_nx);
    const volatile uint32_t* version =
        device_map(physical_address(LOCAL_APIC + LOCAL_APIC_VERSION), sizeof(uint32_t));
    EXPECT(version != NULL);
    EXPECT_EQUAL((uintptr_t)version % PAGE_SIZE, LOCAL_APIC_VERSION);
    EXPECT((uintptr_t)version / PAGE_SIZE != (uintptr_t)page / PAGE_SIZE);
    EXPECT(*version != 0);
    EXPECT_EQUAL(*version, page[LOCAL_APIC_VERSION / sizeof(uint32_t)]);
}
