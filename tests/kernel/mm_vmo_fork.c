/* Forking pages of a VMO, step by step: see the numbers in kernel/mm/vmo_fork.c. */
#include <stdatomic.h>

#include <abi/errors.h>
#include <abi/memory.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/user_copy.h>
#include <mm/aspace.h>
#include <mm/page.h>
#include <mm/vmar_map.h>
#include <mm/vmo_copy.h>
#include <mm/vmo_fork.h>
#include <mm/vmo_internal.h>
#include <mm/vmo_unmap.h>
#include <sched/sched.h>
#include <sched/thread.h>

#include "all_cpus.h"
#include "selftest.h"

#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define MAPPINGS 40u
#define FOR_EVER_NANOSECONDS 30000000000l

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
        if (vmar_map(
                aspace_root(aspace),
                &(struct vmar_map_request){READ_WRITE, READ_WRITE, 0, vmo, 0, 4 * PAGE_SIZE, NULL},
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

/* --- while a clone is being made -------------------------------------------------------------- */

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

static bool writer_goes_on(void) {
    uint32_t before = atomic_load(&written);
    zx_time_t give_up = clock_now() + FOR_EVER_NANOSECONDS;
    while (atomic_load(&written) < before + 2 && clock_now() < give_up)
        let_others_run();
    return atomic_load(&written) >= before + 2;
}

/* As a clone does at C1 and C2, with time in between. */
static struct page* begin_clone(void) {
    spin_lock(&vmo->lock);
    struct page* page = page_list_get(&vmo->pages, 0);
    vmo->sharing_calls++;
    atomic_fetch_add(&page->references, 1);
    spin_unlock(&vmo->lock);
    return page;
}

static bool end_clone(struct page* page) {
    bool is_unmapped = vmo_unmap_everywhere(vmo, 0, 1);
    vmo_page_release(page);
    spin_lock(&vmo->lock);
    vmo->sharing_calls--;
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
    bool is_good = true, goes_on = true;
    for (unsigned i = 0; i < 150 && is_good && (goes_on = writer_goes_on()); i++) {
        struct page* page = begin_clone();
        is_good = vmo_fork_page(vmo, 0) == ZX_OK;
        is_good = end_clone(page) && is_good;
    }
    atomic_store(&is_over, true);
    if (!goes_on)
        thread_kill(writer);
    thread_join(writer);
    thread_release(writer);
    stay_anywhere();
    EXPECT(goes_on);
    EXPECT(is_good);
    EXPECT(!atomic_load(&has_lost_a_write));
    destroy();
}

/* --- a killed thread -------------------------------------------------------------------------- */

#define LARGE_PAGES 2000u
#define PAGES_BETWEEN_LOOKS 16u /* of user_fault_in */

static struct vmo *large, *copy_of_large;
static virtual_address_t place_of_copy;
static zx_status_t cloned, written_large, read_large;
static bool was_brought_in;

/* Each call ends after a few pages, and a clone that is not complete leaves nothing behind. */
static void call_when_killed(void* unused) {
    (void)unused;
    static char bytes[8 * PAGE_SIZE];
    struct vmo* clone = NULL;
    thread_kill(thread_current());
    cloned = vmo_create_clone(large, 0, LARGE_PAGES * PAGE_SIZE, &clone);
    written_large = vmo_write(copy_of_large, bytes, 0, sizeof(bytes));
    read_large = vmo_read(copy_of_large, bytes, sizeof(bytes), sizeof(bytes));
    was_brought_in = user_fault_in(place_of_copy + LARGE_PAGES / 2 * PAGE_SIZE,
                                   2 * PAGES_BETWEEN_LOOKS * PAGE_SIZE, true);
}

SELFTEST(vmo_fork, a_killed_thread_leaves_every_long_call) {
    EXPECT(create());
    EXPECT_OK(vmo_create(LARGE_PAGES * PAGE_SIZE, &large));
    EXPECT_OK(vmo_create(LARGE_PAGES * PAGE_SIZE, &copy_of_large));
    for (size_t i = 0; i < LARGE_PAGES; i++)
        EXPECT(vmo_page_address(large, i) != NULL);
    EXPECT_OK(vmar_map(aspace_root(aspace),
                       &(struct vmar_map_request){READ_WRITE, READ_WRITE, 0, copy_of_large, 0,
                                                  LARGE_PAGES * PAGE_SIZE, NULL},
                       &place_of_copy));
    struct thread* thread =
        thread_create("killed", call_when_killed, NULL, THREAD_PRIORITY_DEFAULT);
    EXPECT(thread != NULL);
    thread->aspace = aspace;
    thread_start(thread);
    thread_join(thread);
    thread_release(thread);
    EXPECT_EQUAL(cloned, ZX_ERR_CANCELED);
    EXPECT_EQUAL(written_large, ZX_ERR_CANCELED);
    EXPECT_EQUAL(read_large, ZX_ERR_CANCELED);
    EXPECT(!was_brought_in);
    /* One by each copy. */
    EXPECT_EQUAL(copy_of_large->committed, 2 + PAGES_BETWEEN_LOOKS);
    EXPECT_EQUAL(large->sharing_calls, 0);
    for (size_t i = 0; i < LARGE_PAGES; i++)
        EXPECT_EQUAL(page_list_get(&large->pages, i)->references, 1);
    vmo_release(large);
    vmo_release(copy_of_large);
    destroy();
}

/* --- forks that are left half done ------------------------------------------------------------ */

static _Atomic uint32_t forks_canceled;

static void fork_when_killed(void* index) {
    thread_kill(thread_current());
    if (vmo_fork_page(vmo, (size_t)index) == ZX_ERR_CANCELED)
        atomic_fetch_add(&forks_canceled, 1);
}

static bool run_killed(size_t index) {
    struct thread* thread =
        thread_create("forker", fork_when_killed, (void*)index, THREAD_PRIORITY_DEFAULT);
    if (!thread)
        return false;
    thread_start(thread);
    thread_join(thread);
    thread_release(thread);
    return true;
}

static uint32_t first_word_of(struct vmo* of, size_t index) {
    uint32_t word = 0;
    return vmo_read(of, &word, index * PAGE_SIZE, sizeof(word)) == ZX_OK ? word : UINT32_MAX;
}

static void settle_what_was_left(void* unused) {
    (void)unused;
    struct vmo *clone, *second;
    uint32_t old_word = 11, new_word = 22;
    EXPECT(create());
    for (size_t i = 0; i < 3; i++)
        EXPECT_OK(vmo_write(vmo, &old_word, i * PAGE_SIZE, sizeof(old_word)));
    EXPECT_OK(vmo_create_clone(vmo, 0, 4 * PAGE_SIZE, &clone));
    atomic_store(&forks_canceled, 0);
    for (size_t i = 0; i < 3; i++)
        EXPECT(run_killed(i));
    EXPECT_EQUAL(atomic_load(&forks_canceled), 3);
    EXPECT_EQUAL(vmo->unsettled_count, 3);
    EXPECT_EQUAL(first_word_of(vmo, 0), old_word);
    EXPECT_EQUAL(first_word_of(clone, 0), old_word);

    EXPECT_OK(vmo_write(vmo, &new_word, 0, sizeof(new_word)));
    EXPECT_EQUAL(vmo->unsettled_count, 2);
    EXPECT_EQUAL(first_word_of(vmo, 0), new_word);
    EXPECT_EQUAL(first_word_of(clone, 0), old_word);
    EXPECT_EQUAL(page_list_get(&clone->pages, 0)->references, 1); /* the parent's share is gone */

    EXPECT_OK(vmo_create_clone(vmo, 0, 4 * PAGE_SIZE, &second)); /* of pages that are not settled */
    EXPECT_OK(vmo_write(second, &new_word, PAGE_SIZE, sizeof(new_word)));
    EXPECT_EQUAL(first_word_of(vmo, 1), old_word);
    EXPECT_OK(vmo_write(vmo, &new_word, PAGE_SIZE, sizeof(new_word)));
    EXPECT_EQUAL(vmo->unsettled_count, 1);
    EXPECT_EQUAL(first_word_of(clone, 1), old_word);
    vmo_release(second);
    vmo_release(clone);
    destroy(); /* with one page that is not settled */
}

/* T3 after F4: the next writer settles the page. Of one that nobody writes to, the end of the VMO
 * does. Until then both VMOs read the same, and a clone may be made. */
SELFTEST(vmo_fork, what_a_killed_thread_left_is_settled_by_the_next_writer_or_the_end) {
    EXPECT(runs_to_its_end(settle_what_was_left));
}

/* T3 before F4, during a clone: nothing was changed. The same fork by a thread that lives counts as
 * a sharing call no longer than it takes. */
SELFTEST(vmo_fork, during_a_clone_is_done_as_a_whole_or_not_at_all) {
    EXPECT(create());
    EXPECT_OK(vmo_write(vmo, "x", 0, 1));
    struct page* page = begin_clone();
    atomic_store(&forks_canceled, 0);
    EXPECT(run_killed(0));
    EXPECT_EQUAL(atomic_load(&forks_canceled), 1);
    EXPECT(page_list_get(&vmo->pages, 0) == page);
    EXPECT_EQUAL(page->references, 2);
    EXPECT_EQUAL(vmo->unsettled_count, 0);
    EXPECT_EQUAL(vmo->sharing_calls, 1);
    EXPECT_OK(vmo_fork_page(vmo, 0));
    EXPECT(page_list_get(&vmo->pages, 0) != page);
    EXPECT_EQUAL(page->references, 1);
    EXPECT_EQUAL(vmo->sharing_calls, 1);
    EXPECT(end_clone(page));
    EXPECT_EQUAL(vmo->sharing_calls, 0);
    EXPECT_EQUAL(page_list_get(&vmo->pages, 0)->references, 1);
    destroy();
}
