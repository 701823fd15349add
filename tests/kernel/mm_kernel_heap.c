/* Kernel stacks and their guard pages, and device mappings. */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/upcalls.h>
#include <lib/string.h>
#include <mm/device_map.h>
#include <mm/kernel_stack.h>
#include <mm/page.h>

#include "all_cpus.h"
#include "selftest.h"

#define MANY 250u /* more than are kept when they are freed */
#define BATCH 16u /* so many are unmapped at once, at least */
#define LOCAL_APIC 0xfee00000ul
#define LOCAL_APIC_VERSION 0x30

static void* stacks[MANY];

static unsigned take_stacks(unsigned count) {
    unsigned taken = 0;
    while (taken < count && (stacks[taken] = kernel_stack_alloc()))
        taken++;
    return taken;
}

/* Whether they are to be trimmed then. */
static bool free_stacks(unsigned count) {
    bool is_too_much = false;
    while (count > 0)
        is_too_much = kernel_stack_free(stacks[--count]);
    return is_too_much;
}

static uint64_t calls_so_far(void) {
    uint64_t calls = 0;
    for (uint32_t i = 0; i < cpu_count(); i++)
        calls += cpu_by_number(i)->statistics_ipis;
    return calls;
}

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
    EXPECT(!kernel_stack_is_guard(KERNEL_STACKS_BASE - 1));
    EXPECT(kernel_stack_is_guard(KERNEL_STACKS_BASE));
    EXPECT(kernel_stack_is_guard(KERNEL_STACKS_BASE + KERNEL_STACKS_SIZE / 2));
    EXPECT(!kernel_stack_is_guard(KERNEL_STACKS_BASE + KERNEL_STACKS_SIZE));
    EXPECT(!kernel_stack_is_guard(PHYSICAL_MAP_BASE));
    EXPECT(!kernel_stack_is_guard(UINT64_MAX));
}

SELFTEST(mm_kernel_heap, many_stacks_are_apart_and_their_pages_come_back) {
    EXPECT_EQUAL(take_stacks(MANY), MANY); /* the tables for so many stay */
    free_stacks(MANY);
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

/* A call of all CPUs for each stack would hold up other users of stacks and memory. */
SELFTEST(mm_kernel_heap, stacks_are_unmapped_in_batches_and_not_where_they_are_freed) {
    stay_on_cpu(0);
    EXPECT_EQUAL(take_stacks(MANY), MANY);
    uint64_t calls = calls_so_far();
    bool is_too_much = free_stacks(MANY);
    uint64_t calls_to_free = calls_so_far() - calls;
    bool is_mapped = flags_at((virtual_address_t)stacks[0] - 1) & PAGING_WRITE;
    unsigned batches = 1;
    while (kernel_stack_trim_batch())
        batches++;
    uint64_t calls_to_trim = calls_so_far() - calls - calls_to_free;
    unsigned others = cpu_count() - 1;
    EXPECT(is_too_much);
    EXPECT(is_mapped);
    EXPECT(calls_to_free <= others);
    EXPECT(batches <= MANY / BATCH);
    EXPECT(calls_to_trim <= (batches + 2) * others);
    EXPECT(!kernel_stack_trim_batch() && !free_stacks(0));
    stay_anywhere();
}

/* More than in the memory of the other runs, where it would take long: the runner has one for it.
 */
#define LARGE_MEMORY_PAGES 300000u

/* Taking more stacks than fit fails, and their pages are free again afterwards. */
SELFTEST(mm_kernel_heap, stacks_end_with_the_memory_only) {
    if (page_count_total() < LARGE_MEMORY_PAGES)
        return;
    kernel_stack_trim();
    size_t free_before = page_count_free();
    void** last = NULL;
    size_t count = 0;
    for (void* top; (top = kernel_stack_alloc()); count++) {
        void** stack = (void**)((char*)top - KERNEL_STACK_SIZE);
        stack[1] = last;
        last = stack;
    }
    size_t free_then = page_count_free();
    while (last) {
        void** stack = last;
        last = stack[1];
        (void)kernel_stack_free((char*)stack + KERNEL_STACK_SIZE);
    }
    kernel_stack_trim();
    EXPECT(free_then < 64);
    EXPECT(count >= free_before / (KERNEL_STACK_SIZE / PAGE_SIZE) / 100 * 98);
    EXPECT(page_count_free() >= free_before / 100 * 98); /* but for the tables */
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
