/* Address spaces: what is mapped where, and what a thread that has one loaded can reach. */
#include <stdatomic.h>

#include <abi/errors.h>
#include <abi/memory.h>
#include <arch/clock.h>
#include <arch/interrupt.h>
#include <arch/layout.h>
#include <arch/user_copy.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/fail_allocation.h>
#include <mm/page.h>
#include <mm/page_fault.h>
#include <mm/protect.h>
#include <mm/region.h>
#include <mm/vmar.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>
#include <mm/vmo_internal.h>
#include <mm/vmo_copy.h>
#include <mm/vmo_fork.h>
#include <sched/thread.h>

#include "all_cpus.h"
#include "selftest.h"

#define READ ZX_VM_PERM_READ
#define WRITE ZX_VM_PERM_WRITE
#define EXECUTE ZX_VM_PERM_EXECUTE
#define PAGES 16u

static struct aspace* aspace;
static struct vmar* root;
static struct vmo* vmo;
static size_t free_before;

static bool create(void) {
    free_before = pages_free_when_trimmed();
    if (aspace_create(&aspace) != ZX_OK)
        return false;
    root = aspace_root(aspace);
    return vmo_create(PAGES * PAGE_SIZE, &vmo) == ZX_OK;
}

static void destroy(void) {
    vmo_release(vmo);
    aspace_release(aspace);
    if (!pages_come_back(free_before))
        selftest_fail(__FILE__, __LINE__, "pages or page tables are lost");
}

static zx_status_t map_in(struct vmar* vmar, uint32_t options, uint32_t allowed, size_t offset,
                          size_t size, virtual_address_t* base) {
    const struct vmar_map_request request = {options, allowed, offset, vmo, 0, size, NULL};
    return vmar_map(vmar, &request, base);
}

static zx_status_t map(uint32_t options, size_t pages, virtual_address_t* base) {
    return map_in(root, options, READ | WRITE, 0, pages * PAGE_SIZE, base);
}

/* Runs in a thread of its own that has the address space loaded, as a program's has. */
static bool run_inside(void (*function)(void*), void* argument) {
    struct thread* thread = thread_create("inside", function, argument, THREAD_PRIORITY_DEFAULT);
    if (!thread)
        return false;
    thread->aspace = aspace;
    thread_start(thread);
    thread_join(thread);
    thread_release(thread);
    return true;
}

/* --- reaching --------------------------------------------------------------------------------- */

static virtual_address_t base;

static bool can_read(size_t page) {
    uint8_t byte;
    return user_copy_in(&byte, base + page * PAGE_SIZE, 1);
}

static bool can_write(size_t page) {
    uint8_t byte = 1;
    return user_copy_out(base + page * PAGE_SIZE + 9, &byte, 1);
}

static void use_all(void* unused) {
    (void)unused;
    uint8_t byte = 0xff;
    EXPECT(user_copy_in(&byte, base + PAGE_SIZE + 7, 1));
    EXPECT_EQUAL(byte, 0);
    for (size_t i = 0; i < PAGES; i++)
        EXPECT(can_write(i));
    EXPECT(!user_copy_in(&byte, base + PAGES * PAGE_SIZE, 1));
    EXPECT(!user_copy_in(&byte, base - 1, 1));
}

static void look_at_pieces(void* unused) {
    (void)unused;
    static const struct {
        bool can_read, can_write;
    } expected[PAGES] = {
        [0] = {true, true},   [1] = {true, true},   [2] = {true, false},  [3] = {true, false},
        [4] = {true, true},   [5] = {false, false}, [6] = {false, false}, [7] = {true, true},
        [8] = {false, false}, [9] = {true, true},   [10] = {true, true},  [11] = {true, true},
        [12] = {true, true},  [13] = {true, true},  [14] = {true, true},  [15] = {false, false},
    };
    for (size_t i = 0; i < PAGES; i++) {
        EXPECT_EQUAL(can_read(i), expected[i].can_read);
        EXPECT_EQUAL(can_write(i), expected[i].can_write);
    }
}

SELFTEST(vmar, what_is_mapped_can_be_reached_and_what_is_not_cannot) {
    uint8_t byte;
    EXPECT(create());
    EXPECT_OK(map(READ | WRITE, PAGES, &base));
    EXPECT_EQUAL(vmo->committed, 0);
    EXPECT(run_inside(use_all, NULL));
    EXPECT_EQUAL(vmo->committed, PAGES);
    EXPECT_OK(vmo_read(vmo, &byte, 5 * PAGE_SIZE + 9, 1));
    EXPECT_EQUAL(byte, 1);
    EXPECT_OK(vmar_protect(root, READ, base + 2 * PAGE_SIZE, 2 * PAGE_SIZE));
    EXPECT_OK(vmar_unmap(root, base + 5 * PAGE_SIZE, 2 * PAGE_SIZE));
    EXPECT_OK(vmar_protect(root, 0, base + 8 * PAGE_SIZE, PAGE_SIZE));
    EXPECT_OK(vmar_unmap(root, base + 15 * PAGE_SIZE, PAGE_SIZE));
    EXPECT(run_inside(look_at_pieces, NULL));
    EXPECT_OK(vmo_read(vmo, &byte, 5 * PAGE_SIZE + 9, 1)); /* the VMO keeps what was unmapped */
    EXPECT_EQUAL(byte, 1);
    EXPECT_OK(vmar_unmap(root, base, PAGES * PAGE_SIZE)); /* holes do not matter */
    destroy();
}

static void read_numbers(void* unused) {
    (void)unused;
    for (size_t i = 0; i < PAGES; i++) {
        uint8_t number = 0xff;
        EXPECT_EQUAL(user_copy_in(&number, base + i * PAGE_SIZE, 1), i != 5 && i != 6);
        if (i != 5 && i != 6)
            EXPECT_EQUAL(number, i);
    }
}

SELFTEST(vmar, what_is_left_of_a_mapping_shows_the_same_pages_as_before) {
    EXPECT(create());
    for (uint8_t i = 0; i < PAGES; i++)
        EXPECT_OK(vmo_write(vmo, &i, i * PAGE_SIZE, 1));
    EXPECT_OK(map(READ | WRITE, PAGES, &base));
    EXPECT_OK(vmar_unmap(root, base + 5 * PAGE_SIZE, 2 * PAGE_SIZE));
    EXPECT_OK(vmar_protect(root, READ, base + 9 * PAGE_SIZE, PAGE_SIZE));
    EXPECT(run_inside(read_numbers, NULL)); /* nothing was in the tables before */
    destroy();
}

SELFTEST(vmar, pages_can_be_brought_in_when_they_are_mapped) {
    EXPECT(create());
    EXPECT_OK(map(READ | WRITE | ZX_VM_MAP_RANGE, PAGES, &base));
    EXPECT_EQUAL(vmo->committed, PAGES);
    physical_address_t physical;
    uint32_t flags;
    for (size_t i = 0; i < PAGES; i++) {
        EXPECT(
            page_table_query(aspace_page_table(aspace), base + i * PAGE_SIZE, &physical, &flags));
        EXPECT_EQUAL(flags & (PAGING_WRITE | PAGING_USER), PAGING_WRITE | PAGING_USER);
    }
    destroy();
}

/* --- checks ----------------------------------------------------------------------------------- */

SELFTEST(vmar, permissions_are_checked_before_anything_is_mapped) {
    struct vmar* child;
    virtual_address_t address;
    EXPECT(create());
    EXPECT_EQUAL(map(WRITE, 1, &base), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(map(EXECUTE, 1, &base), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(map_in(root, EXECUTE, READ | EXECUTE, 0, PAGE_SIZE, &base), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(map(READ | EXECUTE, 1, &base),
                 ZX_ERR_ACCESS_DENIED); /* not allowed by the caller */
    EXPECT_EQUAL(map_in(root, READ | WRITE | EXECUTE, READ | WRITE | EXECUTE, 0, PAGE_SIZE, &base),
                 ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(map(READ | 1u << 31, 1, &base), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(map(READ, 0, &base), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(map(READ, 1, &base));
    EXPECT_OK(vmar_protect(root, READ | WRITE, base, PAGE_SIZE));
    EXPECT_EQUAL(vmar_protect(root, READ | EXECUTE, base, PAGE_SIZE), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(vmar_protect(root, READ, base, 2 * PAGE_SIZE), ZX_ERR_NOT_FOUND);
    EXPECT_EQUAL(vmar_protect(root, READ, base + 1, PAGE_SIZE), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(vmar_unmap(root, base, SIZE_MAX - base), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(vmar_allocate(root, ZX_VM_CAN_MAP_READ, 0, 1ul << 20, &child, &address));
    EXPECT_EQUAL(map_in(child, READ | WRITE, READ | WRITE, 0, PAGE_SIZE, &base),
                 ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(map_in(child, READ | ZX_VM_SPECIFIC, READ, 0, PAGE_SIZE, &base),
                 ZX_ERR_ACCESS_DENIED);
    vmar_release(child);
    destroy();
}

SELFTEST(vmar, a_place_is_taken_once_unless_it_is_overwritten) {
    virtual_address_t at, again;
    uint8_t byte = 0x42;
    EXPECT(create());
    EXPECT_OK(vmo_write(vmo, &byte, 0, 1));
    size_t offset = 1ul << 30;
    uint32_t specific = READ | WRITE | ZX_VM_SPECIFIC;
    EXPECT_OK(map_in(root, specific, READ | WRITE, offset, 8 * PAGE_SIZE, &at));
    EXPECT_EQUAL(at, vmar_base(root) + offset);
    for (int64_t shift = -7; shift <= 7; shift += 7)
        EXPECT_EQUAL(map_in(root, specific, READ | WRITE, offset + (size_t)(shift * 4096),
                            8 * PAGE_SIZE, &again),
                     ZX_ERR_NO_MEMORY);
    EXPECT_OK(map_in(root, specific, READ | WRITE, offset + 8 * PAGE_SIZE, PAGE_SIZE,
                     &again)); /* next to it is free */
    EXPECT_EQUAL(map_in(root, specific, READ | WRITE, offset + 1, PAGE_SIZE, &again),
                 ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(map_in(root, specific, READ | WRITE, root->region.size, PAGE_SIZE, &again),
                 ZX_ERR_INVALID_ARGS);
    EXPECT_OK(map_in(root, specific | ZX_VM_SPECIFIC_OVERWRITE, READ | WRITE,
                     offset + 3 * PAGE_SIZE, 2 * PAGE_SIZE, &again));
    base = again;
    EXPECT_OK(vmar_protect(root, READ, at, 9 * PAGE_SIZE)); /* no hole was left */
    destroy();
}

/* --- past the end of the VMO ------------------------------------------------------------------ */

static bool is_in_the_tables(virtual_address_t address) {
    physical_address_t physical;
    uint32_t flags;
    return page_table_query(aspace_page_table(aspace), address, &physical, &flags);
}

static void touch_twice_as_much(void* unused) {
    (void)unused;
    for (size_t page = 0; page < 2 * PAGES; page++) {
        EXPECT_EQUAL(can_read(page), page < PAGES);
        EXPECT_EQUAL(can_write(page), page < PAGES);
    }
}

SELFTEST(vmar, what_lies_past_the_end_of_the_vmo_is_never_in_the_tables) {
    EXPECT(create());
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_OK(map(READ | WRITE | (i ? ZX_VM_MAP_RANGE : 0), 2 * PAGES, &base));
        EXPECT(run_inside(touch_twice_as_much, NULL));
        EXPECT_EQUAL(vmo->committed, PAGES);
        for (size_t page = 0; page < 2 * PAGES; page++)
            EXPECT_EQUAL(is_in_the_tables(base + page * PAGE_SIZE), page < PAGES);
        EXPECT_OK(vmar_unmap(root, base, 2 * PAGES * PAGE_SIZE));
    }
    destroy();
}

/* Its pages are next to memory of others. */
SELFTEST(vmar, a_physical_vmo_shows_nothing_past_its_end) {
    struct page* block = page_alloc_order(2);
    struct vmo* physical;
    virtual_address_t at;
    EXPECT(create());
    EXPECT(block != NULL);
    EXPECT_OK(vmo_create_physical(page_to_physical(block), PAGE_SIZE, &physical));
    for (uint64_t offset = 0; offset < 4 * PAGE_SIZE; offset += PAGE_SIZE) {
        EXPECT_OK(vmar_map(root,
                           &(struct vmar_map_request){READ | WRITE | ZX_VM_MAP_RANGE, READ | WRITE,
                                                      0, physical, offset, 3 * PAGE_SIZE, NULL},
                           &at));
        struct page_fault fault = {.address = at + PAGE_SIZE, .is_user = true};
        EXPECT_EQUAL(is_in_the_tables(at), offset == 0);
        EXPECT(!aspace_fault(aspace, &fault));
        EXPECT(!is_in_the_tables(at + PAGE_SIZE));
        EXPECT_OK(vmar_unmap(root, at, 3 * PAGE_SIZE));
    }
    vmo_release(physical);
    page_free_order(block, 2);
    destroy();
}

/* Each clone takes the pages out of all page tables that map them, wherever the mappings end. */
SELFTEST(vmar, clones_find_the_pages_of_mappings_past_the_end) {
    struct vmo* clone;
    virtual_address_t at[3];
    static const uint64_t offsets[] = {0, (PAGES - 1) * PAGE_SIZE, UINT64_MAX - 2 * PAGE_SIZE + 1};
    EXPECT(create());
    for (unsigned i = 0; i < ARRAY_LENGTH(offsets); i++)
        EXPECT_OK(vmar_map(root,
                           &(struct vmar_map_request){
                               READ | WRITE | ZX_VM_MAP_RANGE, READ | WRITE, 0, vmo, offsets[i],
                               i == 2 ? PAGE_SIZE : 2 * PAGES * PAGE_SIZE, NULL},
                           &at[i]));
    EXPECT(is_in_the_tables(at[0] + (PAGES - 1) * PAGE_SIZE));
    EXPECT(is_in_the_tables(at[1]));
    EXPECT_OK(vmo_create_clone(vmo, 0, 2 * PAGES * PAGE_SIZE, &clone));
    EXPECT(!is_in_the_tables(at[0] + (PAGES - 1) * PAGE_SIZE));
    EXPECT(!is_in_the_tables(at[1]));
    vmo_release(clone);
    destroy();
}

#ifdef JACINTH_DEBUG
/* So a program can give back what it mapped when there is nothing left. */
SELFTEST(vmar, to_unmap_a_mapping_as_a_whole_takes_no_memory) {
    EXPECT(create());
    EXPECT_OK(map(READ | WRITE, PAGES, &base));
    allocation_fail_nth(1);
    zx_status_t of_a_part = vmar_unmap(root, base + PAGE_SIZE, PAGE_SIZE);
    allocation_fail_nth(1);
    zx_status_t of_all = vmar_unmap(root, base, PAGES * PAGE_SIZE);
    bool has_failed = allocation_has_failed();
    allocation_fail_nth(0);
    EXPECT_EQUAL(of_a_part, ZX_ERR_NO_MEMORY);
    EXPECT_OK(of_all);
    EXPECT(!has_failed);
    destroy();
}
#endif

#define MANY 200u

SELFTEST(vmar, random_places_have_a_page_between_them) {
    static virtual_address_t places[MANY];
    unsigned ascending = 0;
    EXPECT(create());
    for (unsigned i = 0; i < MANY; i++) {
        EXPECT_OK(map(READ | (i % 2 ? ZX_VM_COMPACT : 0), 1 + i % 3, &places[i]));
        EXPECT(places[i] >= vmar_base(root));
        ascending += i > 1 && places[i] > places[i - 2];
        for (unsigned j = 0; j < i; j++)
            EXPECT(places[i] + (1 + i % 3) * PAGE_SIZE + PAGE_SIZE <= places[j] ||
                   places[j] + (1 + j % 3) * PAGE_SIZE + PAGE_SIZE <= places[i]);
    }
    EXPECT(ascending < MANY * 9 / 10);
    destroy();
}

SELFTEST(vmar, vmars_inside_vmars_go_with_what_is_in_them) {
    enum { LEVELS = 12 };
    struct vmar* vmars[LEVELS];
    virtual_address_t address, mapped;
    uint32_t options = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC;
    EXPECT(create());
    for (unsigned i = 0; i < LEVELS; i++) { /* each in half of the one around it */
        EXPECT_OK(vmar_allocate(i ? vmars[i - 1] : root, options, 0, (1ul << 30) >> i, &vmars[i],
                                &address));
        EXPECT_EQUAL(address, vmar_base(vmars[i]));
        EXPECT_EQUAL(vmars[i]->region.size, (1ul << 30) >> i);
    }
    for (unsigned i = 0; i < LEVELS; i++)
        EXPECT_OK(map_in(vmars[i], READ | WRITE | ZX_VM_MAP_RANGE, READ | WRITE, 0, 2 * PAGE_SIZE,
                         &mapped));
    EXPECT_EQUAL(vmar_unmap(root, address, PAGE_SIZE), ZX_ERR_INVALID_ARGS); /* part of a VMAR */
    EXPECT_OK(vmar_destroy(vmars[6]));
    EXPECT_EQUAL(vmar_destroy(vmars[6]), ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(map_in(vmars[9], READ, READ, 0, PAGE_SIZE, &mapped), ZX_ERR_BAD_STATE);
    EXPECT_OK(map_in(vmars[5], READ, READ, 0, PAGE_SIZE, &mapped));
    aspace_destroy_mappings(aspace);
    EXPECT_EQUAL(map_in(vmars[5], READ, READ, 0, PAGE_SIZE, &mapped), ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(map(READ, 1, &mapped), ZX_ERR_BAD_STATE);
    physical_address_t physical;
    uint32_t flags;
    EXPECT(!page_table_query(aspace_page_table(aspace), mapped, &physical, &flags));
    for (unsigned i = 0; i < LEVELS; i++)
        vmar_release(vmars[i]);
    destroy();
}

/* --- seen from another CPU -------------------------------------------------------------------- */

static _Atomic uint32_t is_over, has_begun, was_refused;

static void write_until_over(void* unused) {
    (void)unused;
    for (uint32_t i = 1; !atomic_load(&is_over); i++) {
        if (!user_copy_out(base, &i, sizeof(i))) {
            atomic_store(&was_refused, 1);
            return;
        }
        atomic_store(&has_begun, 1);
        cpu_relax(); /* lets the others on where CPUs take turns */
    }
}

static struct thread* start_writer(void) {
    atomic_store(&is_over, 0);
    atomic_store(&has_begun, 0);
    atomic_store(&was_refused, 0);
    struct thread* writer =
        thread_create("writer", write_until_over, NULL, THREAD_PRIORITY_DEFAULT);
    if (!writer)
        return NULL;
    writer->aspace = aspace;
    if (thread_set_affinity(writer, 1u << (cpu_count() - 1)) != ZX_OK)
        return NULL;
    thread_start(writer);
    return counter_comes_to(&has_begun, 1) ? writer : NULL;
}

/* While another CPU writes without a pause, each clone holds still: its pages are taken out of that
 * CPU's TLB before the call returns. */
SELFTEST(vmar, a_clone_holds_still_while_another_cpu_writes) {
    EXPECT(create());
    EXPECT_OK(map(READ | WRITE, PAGES, &base));
    struct thread* writer = start_writer();
    EXPECT(writer != NULL);
    bool is_still = true;
    uint32_t first, second, last = 0;
    for (unsigned i = 0; i < 100 && is_still; i++) {
        struct vmo* clone;
        EXPECT_OK(vmo_create_clone(vmo, 0, PAGE_SIZE, &clone));
        EXPECT_OK(vmo_read(clone, &first, 0, sizeof(first)));
        for (unsigned spin = 0; spin < 300; spin++)
            cpu_relax();
        EXPECT_OK(vmo_read(clone, &second, 0, sizeof(second)));
        is_still = first == second && first >= last;
        last = first;
        vmo_release(clone);
    }
    atomic_store(&is_over, 1);
    thread_join(writer);
    thread_release(writer);
    EXPECT(is_still);
    EXPECT_EQUAL(atomic_load(&was_refused), 0);
    destroy();
}

static void clone_until_over(void* unused) {
    (void)unused;
    struct vmo* clone;
    while (!atomic_load(&is_over)) {
        if (vmo_create_clone(vmo, 0, PAGE_SIZE, &clone) == ZX_OK)
            vmo_release(clone);
        atomic_store(&has_begun, 1);
        cpu_relax();
    }
}

/* Each clone looks for all mappings of the VMO, and finds some whose address space is going. */
SELFTEST(vmar, an_address_space_dies_once_while_what_it_maps_is_cloned) {
    EXPECT(create());
    EXPECT_OK(vmo_write(vmo, "x", 0, 1));
    atomic_store(&is_over, 0);
    atomic_store(&has_begun, 0);
    struct thread* cloner =
        thread_create("cloner", clone_until_over, NULL, THREAD_PRIORITY_DEFAULT);
    EXPECT(cloner != NULL);
    EXPECT_OK(thread_set_affinity(cloner, 1u << (cpu_count() - 1)));
    stay_on_cpu(0);
    thread_start(cloner);
    bool is_good = counter_comes_to(&has_begun, 1);
    for (unsigned i = 0; i < 5000 && is_good; i++) {
        struct aspace* mortal;
        virtual_address_t mapped;
        is_good = aspace_create(&mortal) == ZX_OK;
        if (!is_good)
            break;
        for (unsigned j = 0; j < 4; j++)
            is_good =
                is_good && map_in(aspace_root(mortal), READ, READ, 0, PAGE_SIZE, &mapped) == ZX_OK;
        aspace_release(mortal);
    }
    atomic_store(&is_over, 1);
    thread_join(cloner);
    thread_release(cloner);
    stay_anywhere();
    EXPECT(is_good);
    destroy();
}

SELFTEST(vmar, a_page_that_was_unmapped_is_out_of_another_cpus_reach) {
    EXPECT(create());
    for (unsigned i = 0; i < 10; i++) {
        uint32_t seen, later;
        EXPECT_OK(map(READ | WRITE, PAGES, &base));
        struct thread* writer = start_writer();
        EXPECT(writer != NULL);
        if (i % 2)
            EXPECT_OK(vmar_unmap(root, base, PAGE_SIZE));
        else
            EXPECT_OK(vmar_protect(root, READ, base, PAGE_SIZE));
        EXPECT_OK(vmo_read(vmo, &seen, 0, sizeof(seen)));
        bool is_refused = counter_comes_to(&was_refused, 1);
        atomic_store(&is_over, 1);
        thread_join(writer);
        thread_release(writer);
        EXPECT(is_refused);
        EXPECT_OK(vmo_read(vmo, &later, 0, sizeof(later)));
        EXPECT_EQUAL(later, seen);
        EXPECT_OK(vmar_unmap(root, base, PAGES * PAGE_SIZE));
    }
    destroy();
}
