/* Page faults that come again and again at one instruction and address: without end, or for good
 * reasons (arch/x86_64/exceptions.c). These faults come from user copies: the same code decides
 * whether they are resolved once more as for a fault of user mode. */
#include <stdatomic.h>

#include <abi/errors.h>
#include <abi/memory.h>
#include <arch/context.h>
#include <arch/user_copy.h>
#include <mm/aspace.h>
#include <mm/page.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>
#include <mm/vmo_fork.h>
#include <sched/thread.h>

#include "../../arch/x86_64/paging_internal.h"
#include "all_cpus.h"
#include "selftest.h"

#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define REPEATS_MIN 1000u /* many CPUs may fault at one place together */
#define REPEATS 5000u     /* more than the kernel takes for endless */

static struct aspace* aspace;
static struct vmo* vmo;
static virtual_address_t place;

static bool create(void) {
    return vmo_create(PAGE_SIZE, &vmo) == ZX_OK && aspace_create(&aspace) == ZX_OK &&
           vmar_map(aspace_root(aspace),
                    &(struct vmar_map_request){READ_WRITE, READ_WRITE, 0, vmo, 0, PAGE_SIZE, NULL},
                    &place) == ZX_OK;
}

/* The root's entry, which forbids an access whatever the entries below it permit. */
static void permit_writes(bool is_permitted) {
    uint64_t* root = physical_to_virtual(aspace_page_table(aspace)->root);
    uint64_t* entry = &root[entry_index(place, TOP_LEVEL)];
    *entry = (*entry & ~ENTRY_WRITABLE) | (is_permitted ? ENTRY_WRITABLE : 0);
    __asm__ volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" ::: "rax", "memory");
}

static void (*job)(void);
static _Atomic uint32_t ended;

static void run_job(void* unused) {
    (void)unused;
    job();
    atomic_store(&ended, 1);
}

/* Runs it in a thread with the address space. False: it did not end before writes were permitted
 * again. */
static bool ends_by_itself(void (*function)(void)) {
    job = function;
    atomic_store(&ended, 0);
    struct thread* thread = thread_create("writer", run_job, NULL, THREAD_PRIORITY_DEFAULT);
    if (!thread)
        return false;
    thread->aspace = aspace;
    thread_start(thread);
    bool has_ended = counter_comes_to(&ended, 1);
    permit_writes(true);
    thread_join(thread);
    thread_release(thread);
    return has_ended;
}

static void destroy(void) {
    vmo_release(vmo);
    aspace_release(aspace);
}

/* --- without end ------------------------------------------------------------------------------ */

static bool was_written;
static uint32_t repeats, value;

static void write_where_the_cpu_forbids_it(void) {
    const uint32_t first = 1, second = 2;
    EXPECT(user_copy_out(place, &first, sizeof(first)));
    permit_writes(false);
    was_written = user_copy_out(place, &second, sizeof(second));
    repeats = context_current()->fault_repeats;
    permit_writes(true);
    EXPECT(user_copy_in(&value, place, sizeof(value)));
    EXPECT_EQUAL(value, first);
    EXPECT(user_copy_out(place, &second, sizeof(second)));
}

SELFTEST(fault_again, without_end_fails_the_access) {
    EXPECT(create());
    EXPECT(ends_by_itself(write_where_the_cpu_forbids_it));
    EXPECT(!was_written);
    EXPECT(repeats >= REPEATS_MIN);
    destroy();
}

/* --- for good reasons ------------------------------------------------------------------------- */

static uint32_t writes;

/* The clone makes the page shared, so it is mapped for reading only until the write forks it. */
static void write_after_each_clone(void) {
    for (writes = 0; writes < REPEATS; writes++) {
        struct vmo* clone;
        EXPECT_OK(vmo_create_clone(vmo, 0, PAGE_SIZE, &clone));
        EXPECT(user_copy_in(&value, place, sizeof(value)));
        bool is_written = user_copy_out(place, &writes, sizeof(writes));
        vmo_release(clone);
        EXPECT(is_written);
    }
}

SELFTEST(fault_again, for_good_reasons_is_resolved_each_time) {
    EXPECT(create());
    EXPECT(ends_by_itself(write_after_each_clone));
    EXPECT_EQUAL(writes, REPEATS);
    destroy();
}
