#include <stdatomic.h>

#include <abi/errors.h>
#include <arch/backtrace.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/preempt.h>
#include <arch/user_copy.h>
#include <lib/string.h>
#include <mm/page.h>
#include <sched/thread.h>

#include "selftest.h"

#define BASE 0x400000000ul
#define SHOOTDOWN_LIMIT_NANOSECONDS 2000000000l
#define USER_READ_WRITE (PAGING_READ | PAGING_WRITE | PAGING_USER)

extern char text_start[], text_end[], rodata_start[], data_start[];
extern char boot_stack_guard[], kernel_symbols[];

static bool query(const void* address, uint32_t* flags) {
    physical_address_t physical;
    return page_table_query(page_table_kernel(), (virtual_address_t)address, &physical, flags);
}

SELFTEST(paging, no_page_of_the_kernel_is_writable_and_executable) {
    uint32_t flags;
    for (char* at = text_start; at < text_end; at += PAGE_SIZE) {
        EXPECT(query(at, &flags));
        EXPECT_EQUAL(flags, PAGING_READ | PAGING_EXECUTE);
        EXPECT(query(physical_to_virtual(kernel_image_to_physical(at)), &flags));
        EXPECT_EQUAL(flags, PAGING_READ | (cpu_features.has_nx ? 0 : PAGING_EXECUTE));
    }
    if (!cpu_features.has_nx)
        return;
    EXPECT(query(rodata_start, &flags));
    EXPECT_EQUAL(flags, PAGING_READ);
    EXPECT(query((const void*)((uintptr_t)data_start - PAGE_SIZE), &flags));
    EXPECT_EQUAL(flags, PAGING_READ);
    EXPECT(query(kernel_symbols, &flags));
    EXPECT_EQUAL(flags, PAGING_READ);
    EXPECT(query(data_start, &flags));
    EXPECT_EQUAL(flags, PAGING_READ | PAGING_WRITE);
    EXPECT(!query(boot_stack_guard, &flags));
}

SELFTEST(paging, table_pages_come_and_go_with_what_is_mapped) {
    struct page_table table;
    EXPECT_OK(page_table_init(&table));
    size_t free_before = page_count_free();
    EXPECT_EQUAL(table.table_pages, 1);
    struct page* page = page_alloc();
    EXPECT(page != NULL);
    physical_address_t physical = page_to_physical(page), found;
    uint32_t flags;
    EXPECT(!page_table_query(&table, BASE, &found, &flags));
    EXPECT_OK(page_table_map(&table, BASE, physical, USER_READ_WRITE));
    EXPECT_EQUAL(table.table_pages, 4);
    EXPECT_OK(page_table_map(&table, BASE + (1ul << 40), physical, USER_READ_WRITE));
    EXPECT_EQUAL(table.table_pages, 7);
    EXPECT_OK(page_table_map(&table, BASE + (1ul << 30) + PAGE_SIZE, physical, USER_READ_WRITE));
    EXPECT_EQUAL(table.table_pages, 9);
    EXPECT(page_table_query(&table, BASE + 123, &found, &flags));
    EXPECT_EQUAL(found.value, physical.value + 123);
    page_table_protect(&table, BASE, 1ul << 31, PAGING_READ | PAGING_USER);
    EXPECT(page_table_query(&table, BASE + (1ul << 30) + PAGE_SIZE, &found, &flags));
    EXPECT_EQUAL(flags & (PAGING_WRITE | PAGING_USER), PAGING_USER);
    EXPECT(page_table_query(&table, BASE + (1ul << 40), &found, &flags));
    EXPECT(flags & PAGING_WRITE);
    page_table_unmap(&table, BASE, PAGE_SIZE);
    EXPECT(!page_table_query(&table, BASE, &found, &flags));
    EXPECT_EQUAL(table.table_pages, 7);
    page_table_unmap(&table, USER_ADDRESS_MIN, USER_ADDRESS_END - USER_ADDRESS_MIN);
    EXPECT_EQUAL(table.table_pages, 1);
    page_free(page);
    EXPECT_EQUAL(page_count_free(), free_before);
    page_table_destroy(&table);
    EXPECT_EQUAL(page_count_free(), free_before + 1);
}

SELFTEST(paging, what_is_mapped_already_stays) {
    struct page_table table;
    EXPECT_OK(page_table_init(&table));
    struct page *first = page_alloc(), *second = page_alloc();
    physical_address_t found;
    uint32_t flags;
    EXPECT_OK(page_table_map(&table, BASE, page_to_physical(first), PAGING_READ | PAGING_USER));
    EXPECT_EQUAL(page_table_map(&table, BASE, page_to_physical(second), USER_READ_WRITE),
                 ZX_ERR_ALREADY_EXISTS);
    EXPECT(page_table_query(&table, BASE, &found, &flags));
    EXPECT_EQUAL(found.value, page_to_physical(first).value);
    EXPECT_EQUAL(flags & (PAGING_WRITE | PAGING_USER), PAGING_USER);
    EXPECT_EQUAL(table.table_pages, 4);
    page_table_unmap(&table, BASE, PAGE_SIZE);
    EXPECT_EQUAL(table.table_pages, 1);
    page_free(first);
    page_free(second);
    page_table_destroy(&table);
}

SELFTEST(paging, unmap_empties_a_whole_range_in_one_call) {
    struct page_table table;
    EXPECT_OK(page_table_init(&table));
    struct page* page = page_alloc();
    for (size_t i = 0; i < 1500; i++)
        EXPECT_OK(
            page_table_map(&table, BASE + i * PAGE_SIZE, page_to_physical(page), USER_READ_WRITE));
    page_table_unmap(&table, BASE + 700 * PAGE_SIZE, 10 * PAGE_SIZE);
    for (size_t i = 0; i < 1500; i++) {
        physical_address_t found;
        uint32_t flags;
        EXPECT_EQUAL(page_table_query(&table, BASE + i * PAGE_SIZE, &found, &flags),
                     i < 700 || i >= 710);
    }
    page_table_unmap(&table, BASE, 1500 * PAGE_SIZE);
    EXPECT_EQUAL(table.table_pages, 1);
    page_free(page);
    page_table_destroy(&table);
}

/* --- with a table loaded ------------------------------------------------------------------- */

static struct page_table loaded;
static struct page* pages[2];

/* Two pages at BASE, nothing before or behind; preemption stays off until unload. */
static bool load(void) {
    if (page_table_init(&loaded) != ZX_OK)
        return false;
    for (size_t i = 0; i < 2; i++) {
        pages[i] = page_alloc_zeroed();
        if (!pages[i] || page_table_map(&loaded, BASE + i * PAGE_SIZE, page_to_physical(pages[i]),
                                        USER_READ_WRITE) != ZX_OK)
            return false;
    }
    preempt_disable();
    page_table_switch(NULL, &loaded);
    return true;
}

static void unload(void) {
    page_table_switch(&loaded, NULL);
    preempt_enable();
    page_table_unmap(&loaded, BASE, 2 * PAGE_SIZE);
    page_table_destroy(&loaded);
    page_free(pages[0]);
    page_free(pages[1]);
}

/* Every size at the end of the last page, and one byte beyond it; in and out. */
static const char* copy_at_the_edge(void) {
    static uint8_t kernel[400], back[400];
    uintptr_t end = BASE + 2 * PAGE_SIZE;
    for (size_t size = 0; size <= 300; size++) {
        memset(back, 0xcc, sizeof(back));
        for (size_t i = 0; i < size; i++)
            kernel[i] = (uint8_t)(i + size);
        if (!user_copy_out(end - size, kernel, size))
            return "out, good";
        if (!user_copy_in(back, end - size, size))
            return "in, good";
        if (memcmp(kernel, back, size) != 0 || back[size] != 0xcc)
            return "bytes";
        if (size > 0 && (user_copy_out(end - size + 1, kernel, size) ||
                         user_copy_in(back, end - size + 1, size)))
            return "past the end";
        if (size > 0 &&
            (user_copy_out(BASE - 1, kernel, size) || user_copy_in(back, BASE - 1, size)))
            return "before the beginning";
    }
    if (user_copy_in(back, BASE + 2 * PAGE_SIZE - 100, 65536))
        return "long";
    return NULL;
}

static const char* fault_in_pages(void) {
    if (!user_fault_in(BASE, 2 * PAGE_SIZE, true) || !user_fault_in(BASE + 1, 1, false))
        return "present";
    if (user_fault_in(BASE, 2 * PAGE_SIZE + 1, false) || user_fault_in(BASE - 1, 1, true))
        return "absent";
    return NULL;
}

SELFTEST(user_copy, pages_end_where_they_end) {
    EXPECT(load());
    const char* failure = copy_at_the_edge();
    const char* fault_failure = fault_in_pages();
    unload();
    if (failure)
        selftest_fail(__FILE__, __LINE__, "%s", failure);
    if (fault_failure)
        selftest_fail(__FILE__, __LINE__, "%s", fault_failure);
}

SELFTEST(paging, changes_are_seen_here_at_once) {
    uint32_t word = 7;
    EXPECT(load());
    bool could_write = user_copy_out(BASE, &word, sizeof(word));
    page_table_protect(&loaded, BASE, PAGE_SIZE, PAGING_READ | PAGING_USER);
    bool can_write = user_copy_out(BASE, &word, sizeof(word));
    bool could_read = user_copy_in(&word, BASE, sizeof(word));
    page_table_unmap(&loaded, BASE, PAGE_SIZE);
    bool can_read = user_copy_in(&word, BASE, sizeof(word));
    unload();
    EXPECT(could_write && could_read);
    EXPECT(!can_write && !can_read);
}

SELFTEST(user_copy, null_is_refused) {
    uint8_t bytes[16] = {0};
    for (uintptr_t address = 0; address < 0x2000; address += 0x7ff)
        for (size_t size = 1; size <= 16; size++) {
            EXPECT(!user_copy_in(bytes, address, size));
            EXPECT(!user_copy_out(address, bytes, size));
        }
}

SELFTEST(user_copy, only_user_addresses_are_taken) {
    static const struct {
        uintptr_t address;
        size_t size;
    } bad[] = {
        {USER_ADDRESS_END, 1},   {USER_ADDRESS_END - 1, 2}, {USER_ADDRESS_END - 4, 8},
        {0x800000000000, 8},     {PHYSICAL_MAP_BASE, 8},    {KERNEL_IMAGE_BASE, 8},
        {UINT64_MAX, 1},         {UINT64_MAX, 2},           {BASE, SIZE_MAX},
        {BASE, SIZE_MAX - BASE}, {BASE, (size_t)1 << 63},   {0x1000, SIZE_MAX},
        {SIZE_MAX - 7, 16},
    };
    uint8_t byte[16];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT(!user_range_is_valid(bad[i].address, bad[i].size));
        EXPECT(!user_copy_in(byte, bad[i].address, bad[i].size));
        EXPECT(!user_copy_out(bad[i].address, byte, bad[i].size));
        EXPECT(!user_fault_in(bad[i].address, bad[i].size, false));
        EXPECT(user_copy_in(byte, bad[i].address, 0));
        EXPECT(user_copy_out(bad[i].address, byte, 0));
    }
}

/* --- other CPUs ---------------------------------------------------------------------------- */

static atomic_bool is_reading, is_over, was_refused;

static void read_until_refused(void* unused) {
    (void)unused;
    preempt_disable();
    page_table_switch(NULL, &loaded);
    uint32_t value;
    bool is_taken = true;
    while (is_taken && !atomic_load(&is_over)) {
        is_taken = user_read_word(&value, BASE);
        atomic_store(&is_reading, true);
    }
    atomic_store(&was_refused, !is_taken);
    page_table_switch(&loaded, NULL);
    preempt_enable();
}

SELFTEST(paging, unmapping_is_seen_by_the_cpus_that_have_the_table) {
    if (cpu_count() < 2)
        return;
    EXPECT(load());
    page_table_switch(&loaded, NULL);
    preempt_enable();
    EXPECT_EQUAL(loaded.active_cpus, 0);
    atomic_store(&is_reading, false);
    atomic_store(&is_over, false);
    atomic_store(&was_refused, false);
    EXPECT_OK(thread_set_affinity(thread_current(), 1));
    struct thread* reader = thread_create("reader", read_until_refused, NULL, 16);
    EXPECT(reader != NULL);
    EXPECT_OK(thread_set_affinity(reader, 2));
    thread_start(reader);
    while (!atomic_load(&is_reading))
        cpu_relax();
    EXPECT_EQUAL(loaded.active_cpus, 2);
    page_table_unmap(&loaded, BASE, PAGE_SIZE);
    zx_time_t deadline = clock_now() + SHOOTDOWN_LIMIT_NANOSECONDS;
    while (!atomic_load(&was_refused) && clock_now() < deadline)
        cpu_relax();
    atomic_store(&is_over, true);
    thread_join(reader);
    EXPECT(atomic_load(&was_refused));
    thread_release(reader);
    EXPECT_EQUAL(loaded.active_cpus, 0);
    EXPECT_OK(thread_set_affinity(thread_current(), UINT32_MAX));
    page_table_unmap(&loaded, BASE, 2 * PAGE_SIZE);
    page_table_destroy(&loaded);
    page_free(pages[0]);
    page_free(pages[1]);
}

/* --- odds and ends ------------------------------------------------------------------------- */

SELFTEST(arch, random_numbers_differ) {
    uint64_t seen[64];
    for (unsigned i = 0; i < 64; i++) {
        seen[i] = cpu_random();
        for (unsigned j = 0; j < i; j++)
            EXPECT(seen[i] != seen[j]);
    }
}

SELFTEST(arch, backtraces_end) {
    uintptr_t addresses[32];
    size_t count = backtrace_collect(0, addresses, 32);
    EXPECT(count > 2);
    EXPECT(count < 32);
    EXPECT_EQUAL(backtrace_collect(0x1000, addresses, 32), 0);
    EXPECT_EQUAL(backtrace_collect(0xffffd00000000000, addresses, 32), 0);
    EXPECT_EQUAL(backtrace_collect(0x8000000000000000, addresses, 32), 0);
}
