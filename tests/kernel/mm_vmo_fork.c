/* Forking pages of a VMO, step by step: see the numbers in kernel/mm/vmo_fork.c. */
#include <stdatomic.h>

#include <abi/errors.h>
#include <abi/memory.h>
#include <arch/cpu.h>
#include <arch/user_copy.h>
#include <debug/selftest.h>
#include <mm/aspace.h>
#include <mm/page.h>
#include <mm/vmo_internal.h>
#include <sched/thread.h>

#include "all_cpus.h"

#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define MAPPINGS 40u

static struct aspace* aspace;
static struct vmo* vmo;
static size_t free_before;
static virtual_address_t places[MAPPINGS];
static _Atomic bool is_over, has_lost_a_write;
static _Atomic uint32_t written;

static bool create(void) {
    free_before = pages_free_when_trimmed();
    if (vmo_create(4 * PAGE_SIZE, &vmo) != ZX_OK || aspace_create(&aspace) != ZX_OK)
        return false;
    for (unsigned i = 0; i < MAPPINGS; i++)
        if (vmar_map(aspace_root(aspace), READ_WRITE, READ_WRITE, 0, vmo, 0, 4 * PAGE_SIZE,
                     &places[i]) != ZX_OK)
            return false;
    return true;
}

static void destroy(void) {
    vmo_release(vmo);
    aspace_release(aspace);
    if (!pages_come_back(free_before))
        selftest_fail(__FILE__, __LINE__, "pages or page tables are lost");
}

/* --- while a clone is being made ---------------------------------------------------------------
 */

static void let_others_run(void) {
    cpu_relax(); /* an emulator goes on to the next CPU */
    thread_yield();
}

/* Counts in the first word, and looks whether it is what was written last. Walks come to this
 * mapping last. */
static void count_without_pause(void* unused) {
    (void)unused;
    for (uint32_t last = 0; !atomic_load(&is_over);) {
        uint32_t seen = 0;
        if (!user_read_word(&seen, places[0]) && !user_fault_in(places[0], sizeof(seen), false))
            break;
        if (!user_read_word(&seen, places[0]))
            continue;
        if (seen != last)
            atomic_store(&has_lost_a_write, true);
        last++;
        while (!user_write_word(places[0], last))
            if (!user_fault_in(places[0], sizeof(last), true))
                return;
        atomic_store(&written, last);
        if (last % 16 == 0)
            let_others_run();
    }
}

/* As a clone does at C1 and C2, with time in between. */
static struct page* begin_clone(void) {
    spin_lock(&vmo->lock);
    struct page* page = page_list_get(&vmo->pages, 0);
    vmo->clones_begun++;
    atomic_fetch_add(&page->references, 1);
    spin_unlock(&vmo->lock);
    return page;
}

static bool end_clone(struct page* page) {
    bool is_unmapped = vmo_unmap_everywhere(vmo, 0, 1);
    vmo_page_release(page);
    spin_lock(&vmo->lock);
    vmo->clones_begun--;
    spin_unlock(&vmo->lock);
    return is_unmapped;
}

SELFTEST(vmo_fork, while_a_clone_is_made_loses_no_write_of_another_cpu) {
    EXPECT(create());
    atomic_store(&is_over, false);
    atomic_store(&has_lost_a_write, false);
    atomic_store(&written, 0);
    struct thread* writer =
        thread_create("writer", count_without_pause, NULL, THREAD_PRIORITY_DEFAULT);
    EXPECT(writer != NULL);
    writer->aspace = aspace;
    EXPECT_OK(thread_set_affinity(writer, 1u << (cpu_count() - 1)));
    stay_on_cpu(0);
    thread_start(writer);
    bool is_good = true;
    for (unsigned i = 0; i < 150 && is_good; i++) {
        uint32_t before = atomic_load(&written);
        while (atomic_load(&written) < before + 2)
            let_others_run();
        struct page* page = begin_clone();
        is_good = vmo_fork_page(vmo, 0) == ZX_OK;
        is_good = end_clone(page) && is_good;
    }
    atomic_store(&is_over, true);
    thread_join(writer);
    thread_release(writer);
    stay_anywhere();
    EXPECT(is_good);
    EXPECT(!atomic_load(&has_lost_a_write));
    destroy();
}
