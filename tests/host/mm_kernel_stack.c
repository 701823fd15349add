/* In which order pages of kernel stacks are mapped, taken, flushed and freed. The page tables and
 * the pages are the test's own: each page knows what was done with it last, and a step out of order
 * fails the test at once.
 * Sources: kernel/mm/kernel_stack.c */
#include <stdlib.h>
#include <sys/mman.h>

#include <abi/errors.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <mm/kernel_area.h>
#include <mm/kernel_stack.h>
#include <mm/page.h>

#include "../kernel/selftest.h"

#define PAGES 1024u
#define STACKS 100u
#define STACK_PAGES (KERNEL_STACK_SIZE / PAGE_SIZE)
#define POOL_KEPT 64u /* stacks that stay mapped for later threads */
#define POOL_BATCH 16u

struct spinlock kernel_area_lock = SPINLOCK_INITIALIZER(LOCK_KERNEL_HEAP);

/* A page goes through these in order. */
enum step {
    STEP_FREE,
    STEP_ALLOCATED,
    STEP_MAPPED,
    STEP_TAKEN, /* out of the page tables; a CPU may still write to it by an old TLB entry */
    STEP_FLUSHED,
};

static struct {
    struct page page;
    enum step step;
    virtual_address_t address; /* from STEP_MAPPED on */
} pages[PAGES];

static unsigned allocations_left = UINT32_MAX, flushes;
static void (*on_flush)(void); /* before anything is flushed */

static unsigned count(enum step step) {
    unsigned found = 0;
    for (unsigned i = 0; i < PAGES; i++)
        found += pages[i].step == step;
    return found;
}

static unsigned index_of(const struct page* page) {
    for (unsigned i = 0; i < PAGES; i++)
        if (&pages[i].page == page)
            return i;
    abort();
}

static void expect_step(unsigned index, enum step step, const char* what) {
    if (pages[index].step != step)
        selftest_fail(__FILE__, __LINE__, "a page is %s at step %u, not %u", what,
                      pages[index].step, step);
}

/* --- what kernel_stack.c calls ---------------------------------------------------------------- */

struct page* page_alloc(void) {
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    for (unsigned i = 0; i < PAGES; i++) {
        if (pages[i].step == STEP_FREE) {
            pages[i].step = STEP_ALLOCATED;
            return &pages[i].page;
        }
    }
    abort();
}

/* A page that was never mapped needs no flush. */
void page_free(struct page* page) {
    unsigned index = index_of(page);
    if (pages[index].step != STEP_ALLOCATED)
        expect_step(index, STEP_FLUSHED, "freed");
    pages[index].step = STEP_FREE;
}

physical_address_t page_to_physical(const struct page* page) {
    return physical_address(index_of(page) * PAGE_SIZE);
}

struct page* page_from_physical(physical_address_t address) {
    return &pages[address.value / PAGE_SIZE].page;
}

struct page_table* page_table_kernel(void) {
    return NULL;
}

zx_status_t page_table_map(struct page_table* table, virtual_address_t address,
                           physical_address_t physical, uint32_t flags) {
    unsigned index = (unsigned)(physical.value / PAGE_SIZE);
    (void)table, (void)flags;
    expect_step(index, STEP_ALLOCATED, "mapped");
    for (unsigned i = 0; i < PAGES; i++)
        if (pages[i].address == address && pages[i].step == STEP_TAKEN)
            selftest_fail(__FILE__, __LINE__, "an address is used again before the flush");
    void* place = mmap((void*)address, PAGE_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (place != (void*)address)
        abort();
    pages[index].step = STEP_MAPPED;
    pages[index].address = address;
    return ZX_OK;
}

bool page_table_kernel_take(virtual_address_t address, physical_address_t* physical) {
    for (unsigned i = 0; i < PAGES; i++) {
        if (pages[i].step != STEP_MAPPED || pages[i].address != address)
            continue;
        if (munmap((void*)address, PAGE_SIZE) != 0)
            abort();
        pages[i].step = STEP_TAKEN;
        *physical = page_to_physical(&pages[i].page);
        return true;
    }
    return false;
}

void page_table_kernel_flush(void) {
    flushes++;
    if (on_flush)
        on_flush();
    for (unsigned i = 0; i < PAGES; i++)
        if (pages[i].step == STEP_TAKEN)
            pages[i].step = STEP_FLUSHED;
}

/* --- the tests -------------------------------------------------------------------------------- */

static void* stacks[STACKS];

static bool allocate_and_free(unsigned number) {
    for (unsigned i = 0; i < number; i++)
        if (!(stacks[i] = kernel_stack_alloc()))
            return false;
    for (unsigned i = 0; i < number; i++)
        (void)kernel_stack_free(stacks[i]);
    return true;
}

SELFTEST(kernel_stack, pages_are_freed_after_the_flush_and_one_flush_serves_a_batch) {
    EXPECT(allocate_and_free(STACKS));
    flushes = 0;
    kernel_stack_trim();
    EXPECT_EQUAL(flushes, (STACKS + POOL_BATCH - 1) / POOL_BATCH);
    EXPECT_EQUAL(count(STEP_TAKEN) + count(STEP_FLUSHED) + count(STEP_ALLOCATED), 0);
    EXPECT(count(STEP_MAPPED) <= 1); /* the array of free slots */
}

static unsigned taken_at_flush;
static void* allocated_at_flush;

static void look_at_flush(void) {
    taken_at_flush = count(STEP_TAKEN);
    if (count(STEP_FLUSHED) > 0)
        selftest_fail(__FILE__, __LINE__, "pages of the last batch are kept");
}

SELFTEST(kernel_stack, a_piece_of_trimming_takes_one_batch_and_leaves_the_rest) {
    EXPECT(allocate_and_free(POOL_KEPT + POOL_BATCH));
    unsigned mapped = count(STEP_MAPPED);
    on_flush = look_at_flush;
    bool has_more = kernel_stack_trim_batch();
    on_flush = NULL;
    EXPECT(!has_more);
    EXPECT_EQUAL(taken_at_flush, POOL_BATCH * STACK_PAGES);
    EXPECT_EQUAL(mapped - count(STEP_MAPPED), POOL_BATCH * STACK_PAGES);
    kernel_stack_trim();
}

/* As a thread on another CPU may. */
static void allocate_at_flush(void) {
    allocated_at_flush = kernel_stack_alloc();
}

SELFTEST(kernel_stack, a_slot_is_used_again_only_after_the_flush) {
    EXPECT(allocate_and_free(POOL_BATCH));
    on_flush = allocate_at_flush; /* when no stack is kept any more */
    kernel_stack_trim();
    on_flush = NULL;
    EXPECT(allocated_at_flush != NULL);
    (void)kernel_stack_free(allocated_at_flush);
    kernel_stack_trim();
}

/* A page that was mapped cannot go back without a flush. */
SELFTEST(kernel_stack, no_page_is_mapped_before_all_were_allocated) {
    EXPECT(allocate_and_free(1)); /* the array of free slots has a page now */
    kernel_stack_trim();
    unsigned mapped = count(STEP_MAPPED);
    flushes = 0;
    for (unsigned i = 0; i < STACK_PAGES; i++) {
        allocations_left = i;
        void* stack = kernel_stack_alloc();
        allocations_left = UINT32_MAX;
        EXPECT(stack == NULL);
        EXPECT_EQUAL(count(STEP_MAPPED), mapped);
        EXPECT_EQUAL(count(STEP_FREE), PAGES - mapped);
    }
    EXPECT_EQUAL(flushes, 0);
}
