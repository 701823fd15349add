/* W^X for a VMO as a whole: while one mapping of it may be executed no other may be written, in
 * whatever address space, and the reverse. */
#include <stdatomic.h>

#include <abi/errors.h>
#include <abi/memory.h>
#include <arch/clock.h>
#include <arch/interrupt.h>
#include <mm/aspace.h>
#include <mm/page.h>
#include <mm/page_fault.h>
#include <mm/protect.h>
#include <mm/vmar.h>
#include <mm/vmar_internal.h>
#include <mm/vmar_map.h>
#include <mm/vmo_fork.h>
#include <mm/vmo_internal.h>

#include "all_cpus.h"
#include "random.h"
#include "selftest.h"

#define READ ZX_VM_PERM_READ
#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define READ_EXECUTE (ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE)
#define ALL (READ_WRITE | READ_EXECUTE)
#define ANY_CHILD \
    (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)
#define PAGES 32u
#define SPACES 2u
#define VMOS 3u

/* In each of two address spaces a VMAR; and some VMOs, all of the same size. */
static struct aspace* aspaces[SPACES];
static struct vmar* vmars[SPACES];
static struct vmo* vmos[VMOS];
static size_t free_before;

static bool create(void) {
    virtual_address_t address;
    free_before = pages_free_when_trimmed();
    for (unsigned i = 0; i < SPACES; i++)
        if (aspace_create(&aspaces[i]) != ZX_OK ||
            vmar_allocate(aspace_root(aspaces[i]), ANY_CHILD, 0, PAGES * PAGE_SIZE, &vmars[i],
                          &address) != ZX_OK)
            return false;
    for (unsigned i = 0; i < VMOS; i++)
        if (vmo_create(PAGES * PAGE_SIZE, &vmos[i]) != ZX_OK)
            return false;
    return true;
}

static void expect_uncounted(void) {
    for (unsigned i = 0; i < VMOS; i++) {
        EXPECT_EQUAL(vmos[i]->mapped.writable, 0);
        EXPECT_EQUAL(vmos[i]->mapped.executable, 0);
    }
}

static void destroy(void) {
    for (unsigned i = 0; i < SPACES; i++) {
        vmar_release(vmars[i]);
        aspace_release(aspaces[i]);
    }
    expect_uncounted();
    for (unsigned i = 0; i < VMOS; i++)
        vmo_release(vmos[i]);
    if (!pages_come_back(free_before))
        selftest_fail(__FILE__, __LINE__, "pages or page tables are lost");
}

static virtual_address_t at(unsigned space, size_t page) {
    return vmar_base(vmars[space]) + page * PAGE_SIZE;
}

static zx_status_t map(unsigned space, unsigned vmo, uint32_t options, size_t page, size_t pages) {
    virtual_address_t address;
    if (!(options & ZX_VM_SPECIFIC_OVERWRITE))
        options |= ZX_VM_SPECIFIC;
    return vmar_map(vmars[space],
                    &(struct vmar_map_request){options, ALL, page * PAGE_SIZE, vmos[vmo], 0,
                                               pages * PAGE_SIZE, NULL},
                    &address);
}

static zx_status_t unmap(unsigned space, size_t page, size_t pages) {
    return vmar_unmap(vmars[space], at(space, page), pages * PAGE_SIZE);
}

static zx_status_t protect(unsigned space, uint32_t permissions, size_t page, size_t pages) {
    return vmar_protect(vmars[space], permissions, at(space, page), pages * PAGE_SIZE);
}

static uint32_t permissions_at(unsigned space, size_t page) {
    const struct mapping* mapping = vmar_mapping_at_locked(vmars[space], at(space, page));
    return mapping ? mapping->permissions : UINT32_MAX;
}

SELFTEST(write_execute, mappings_of_both_kinds_exclude_each_other) {
    EXPECT(create());
    for (unsigned other = 0; other < SPACES; other++) {
        EXPECT_OK(map(0, 0, READ_WRITE, 0, 1));
        EXPECT_EQUAL(map(other, 0, READ_EXECUTE, 2, 1), ZX_ERR_ACCESS_DENIED);
        EXPECT_OK(map(other, 0, READ_WRITE, 4, 1));
        EXPECT_OK(map(other, 0, READ, 6, 1));
        EXPECT_EQUAL(protect(other, READ_EXECUTE, 6, 1), ZX_ERR_ACCESS_DENIED);
        EXPECT_EQUAL(permissions_at(other, 6), READ);
        EXPECT_OK(map(other, 1, READ_EXECUTE, 8, 1)); /* another VMO */
        EXPECT_OK(unmap(0, 0, 1));
        EXPECT_EQUAL(protect(other, READ_EXECUTE, 6, 1), ZX_ERR_ACCESS_DENIED);
        EXPECT_OK(protect(other, READ, 4, 1));
        EXPECT_OK(protect(other, READ_EXECUTE, 6, 1));
        EXPECT_EQUAL(map(0, 0, READ_WRITE, 0, 1), ZX_ERR_ACCESS_DENIED);
        EXPECT_EQUAL(protect(other, READ_WRITE, 4, 1), ZX_ERR_ACCESS_DENIED);
        EXPECT_OK(map(0, 0, READ_EXECUTE, 0, 1));
        EXPECT_OK(unmap(other, 0, PAGES));
        EXPECT_OK(unmap(0, 0, PAGES));
        expect_uncounted();
    }
    destroy();
}

SELFTEST(write_execute, all_of_a_vmo_can_be_turned_from_one_kind_into_the_other) {
    EXPECT(create());
    EXPECT_OK(map(0, 0, READ_WRITE, 0, 9));
    EXPECT_EQUAL(protect(0, READ_EXECUTE, 0, 3), ZX_ERR_ACCESS_DENIED); /* the rest is writable */
    EXPECT_OK(protect(0, READ, 3, 3));
    EXPECT_EQUAL(protect(0, READ_EXECUTE, 0, 6), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(protect(0, READ_EXECUTE, 1, 8), ZX_ERR_ACCESS_DENIED);
    for (size_t page = 0; page < 9; page++)
        EXPECT_EQUAL(permissions_at(0, page), page / 3 == 1 ? READ : READ_WRITE);
    EXPECT_OK(protect(0, READ_EXECUTE, 0, 9));
    EXPECT_EQUAL(vmos[0]->mapped.writable, 0);
    EXPECT_EQUAL(protect(0, READ_WRITE, 4, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(protect(0, READ_WRITE, 0, 9));
    EXPECT_OK(protect(0, 0, 0, 9));
    expect_uncounted();
    destroy();
}

SELFTEST(write_execute, vmos_that_take_turns_in_the_range_are_turned_at_once) {
    EXPECT(create());
    for (size_t page = 0; page < 13; page++)
        EXPECT_OK(map(0, page * 5 % VMOS, page % 4 ? READ_WRITE : READ, page, 1));
    EXPECT_OK(protect(0, READ_EXECUTE, 0, 13));
    for (unsigned i = 0; i < VMOS; i++) {
        EXPECT_EQUAL(vmos[i]->mapped.writable, 0);
        EXPECT_EQUAL(vmos[i]->mapped.executable, i == 0 ? 5 : 4);
    }
    EXPECT_OK(protect(0, READ_WRITE, 0, 13));
    EXPECT_OK(protect(0, READ, 0, 13));
    expect_uncounted();
    destroy();
}

/* The range holds several VMOs in turn, and the last of them forbids it. */
SELFTEST(write_execute, a_refused_protect_takes_back_what_it_counted) {
    EXPECT(create());
    for (size_t page = 0; page < 12; page++)
        EXPECT_OK(map(0, page % VMOS, READ, page, 1));
    for (unsigned vmo = 0; vmo < VMOS; vmo++) {
        EXPECT_OK(map(1, vmo, READ_WRITE, 0, 1));
        EXPECT_EQUAL(protect(0, READ_EXECUTE, 0, 12), ZX_ERR_ACCESS_DENIED);
        for (size_t page = 0; page < 12; page++)
            EXPECT_EQUAL(permissions_at(0, page), READ);
        for (unsigned i = 0; i < VMOS; i++) {
            EXPECT_EQUAL(vmos[i]->mapped.writable, i == vmo);
            EXPECT_EQUAL(vmos[i]->mapped.executable, 0);
        }
        EXPECT_OK(unmap(1, 0, 1));
    }
    EXPECT_OK(protect(0, READ_EXECUTE, 0, 12));
    for (unsigned i = 0; i < VMOS; i++)
        EXPECT_EQUAL(vmos[i]->mapped.executable, 4);
    destroy();
}

SELFTEST(write_execute, an_overwrite_counts_without_what_it_replaces) {
    struct vmar* child;
    virtual_address_t address;
    EXPECT(create());
    EXPECT_OK(map(0, 0, READ_WRITE, 2, 4));
    uint32_t overwrite = READ_EXECUTE | ZX_VM_SPECIFIC_OVERWRITE;
    EXPECT_EQUAL(map(0, 0, overwrite, 3, 3), ZX_ERR_ACCESS_DENIED); /* page 2 would stay */
    EXPECT_EQUAL(map(0, 0, overwrite, 0, 5), ZX_ERR_ACCESS_DENIED);
    for (size_t page = 0; page < PAGES; page++)
        EXPECT_EQUAL(permissions_at(0, page), page >= 2 && page < 6 ? READ_WRITE : UINT32_MAX);
    EXPECT_EQUAL(vmos[0]->mapped.writable, 1);
    EXPECT_OK(map(0, 0, overwrite, 2, 4));
    EXPECT_EQUAL(vmos[0]->mapped.writable, 0);
    EXPECT_EQUAL(vmos[0]->mapped.executable, 1);
    /* Also what is in a VMAR in the range. */
    EXPECT_OK(vmar_allocate(vmars[0], ANY_CHILD | ZX_VM_SPECIFIC, 8 * PAGE_SIZE, 4 * PAGE_SIZE,
                            &child, &address));
    EXPECT_OK(vmar_map(
        child, &(struct vmar_map_request){READ_EXECUTE, ALL, 0, vmos[0], 0, PAGE_SIZE, NULL},
        &address));
    EXPECT_EQUAL(map(0, 0, READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE, 7, 6), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(map(0, 0, READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE, 2, 10));
    EXPECT_EQUAL(vmos[0]->mapped.writable, 1);
    EXPECT_EQUAL(vmos[0]->mapped.executable, 0);
    vmar_release(child);
    destroy();
}

SELFTEST(write_execute, who_dies_counts_no_more) {
    EXPECT(create());
    EXPECT_OK(map(0, 0, READ_WRITE, 0, 4));
    EXPECT_OK(unmap(0, 1, 1));
    EXPECT_EQUAL(vmos[0]->mapped.writable, 2);
    EXPECT_OK(vmar_destroy(vmars[0]));
    EXPECT_OK(map(1, 0, READ_EXECUTE, 0, 4));
    EXPECT_OK(map(1, 1, READ_WRITE, 8, 4));
    aspace_destroy_mappings(aspaces[1]);
    expect_uncounted();
    destroy();
}

/* A clone has pages of its own as soon as they are written. */
SELFTEST(write_execute, a_clone_counts_for_itself) {
    struct vmo* clone;
    virtual_address_t address;
    EXPECT(create());
    EXPECT_OK(map(0, 0, READ_EXECUTE | ZX_VM_MAP_RANGE, 0, 4));
    EXPECT_OK(vmo_create_clone(vmos[0], 0, PAGE_SIZE, &clone));
    EXPECT_OK(vmar_map(
        vmars[0],
        &(struct vmar_map_request){READ_WRITE | ZX_VM_MAP_RANGE, ALL, 0, clone, 0, PAGE_SIZE, NULL},
        &address));
    physical_address_t code, copy;
    uint32_t flags;
    EXPECT(page_table_query(aspace_page_table(aspaces[0]), address, &copy, &flags));
    struct page_fault fault = {.address = at(0, 0), .is_user = true};
    EXPECT(aspace_fault(aspaces[0], &fault));
    EXPECT(page_table_query(aspace_page_table(aspaces[0]), at(0, 0), &code, &flags));
    EXPECT(code.value != copy.value);
    vmo_release(clone);
    destroy();
}

/* --- a job's policy --------------------------------------------------------------------------- */

SELFTEST(write_execute, an_address_space_that_may_do_both_does_not_bind_others) {
    physical_address_t physical;
    uint32_t flags;
    EXPECT(create());
    EXPECT_EQUAL(map(0, 0, ALL, 0, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(map(0, 0, READ, 0, 1));
    EXPECT_EQUAL(protect(0, ALL, 0, 1), ZX_ERR_ACCESS_DENIED);
    aspace_allow_wx(aspaces[0]);
    EXPECT_OK(protect(0, ALL, 0, 1));
    EXPECT_OK(map(0, 1, ALL | ZX_VM_MAP_RANGE, 2, 1));
    EXPECT(page_table_query(aspace_page_table(aspaces[0]), at(0, 2), &physical, &flags));
    EXPECT_EQUAL(flags & (PAGING_WRITE | PAGING_EXECUTE), PAGING_WRITE | PAGING_EXECUTE);
    EXPECT_EQUAL(vmos[1]->mapped.writable, 1);
    EXPECT_EQUAL(vmos[1]->mapped.executable, 1);
    /* The other one may not, and neither kind of what the first has. */
    EXPECT_EQUAL(map(1, 2, ALL, 0, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(map(1, 1, READ_WRITE, 0, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(map(1, 1, READ_EXECUTE, 0, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(map(1, 1, READ, 0, 1));
    /* What the other one has does not bind the first, and it keeps what it has. */
    EXPECT_OK(map(1, 2, READ_EXECUTE, 4, 2));
    EXPECT_OK(map(0, 2, READ_WRITE, 4, 2));
    EXPECT_OK(protect(1, READ_EXECUTE, 4, 2));
    EXPECT_OK(protect(1, READ, 4, 1));
    EXPECT_EQUAL(protect(1, READ_EXECUTE, 4, 1), ZX_ERR_ACCESS_DENIED);
    destroy();
}

/* --- a model ---------------------------------------------------------------------------------- */

#define NOTHING UINT32_MAX

static uint32_t random_below(uint32_t* random, uint32_t bound) {
    return random_next(random) % bound;
}

/* What each page of the VMARs should be. */
static struct model_page { uint32_t vmo, permissions; } model[SPACES][PAGES];

static bool is_in(unsigned space, size_t page, unsigned in_space, size_t first, size_t count) {
    return space == in_space && page >= first && page < first + count;
}

/* Some page of the VMO has one of the permissions, outside of the range. */
static bool is_used_elsewhere(uint32_t vmo, uint32_t permissions, unsigned space, size_t first,
                              size_t count) {
    for (unsigned s = 0; s < SPACES; s++)
        for (size_t page = 0; page < PAGES; page++)
            if (model[s][page].vmo == vmo && (model[s][page].permissions & permissions) &&
                !is_in(s, page, space, first, count))
                return true;
    return false;
}

static uint32_t opposite(uint32_t permissions) {
    return (permissions & ZX_VM_PERM_WRITE ? ZX_VM_PERM_EXECUTE : 0) |
           (permissions & ZX_VM_PERM_EXECUTE ? ZX_VM_PERM_WRITE : 0);
}

static zx_status_t model_protect(unsigned space, uint32_t permissions, size_t first, size_t count) {
    for (size_t page = first; page < first + count; page++)
        if (model[space][page].vmo == NOTHING)
            return ZX_ERR_NOT_FOUND;
    for (size_t page = first; page < first + count; page++) {
        uint32_t gained = permissions & ~model[space][page].permissions;
        if (is_used_elsewhere(model[space][page].vmo, opposite(gained), space, first, count))
            return ZX_ERR_ACCESS_DENIED;
    }
    for (size_t page = first; page < first + count; page++)
        model[space][page].permissions = permissions;
    return ZX_OK;
}

static zx_status_t model_map(unsigned space, uint32_t vmo, uint32_t permissions, size_t first,
                             size_t count) {
    if (is_used_elsewhere(vmo, opposite(permissions), space, first, count))
        return ZX_ERR_ACCESS_DENIED;
    for (size_t page = first; page < first + count; page++)
        model[space][page] = (struct model_page){vmo, permissions};
    return ZX_OK;
}

static bool is_as_modelled(void) {
    struct mapping_counts counts[VMOS] = {{0}};
    for (unsigned space = 0; space < SPACES; space++) {
        const struct mapping* last = NULL;
        for (size_t page = 0; page < PAGES; page++) {
            const struct mapping* mapping = vmar_mapping_at_locked(vmars[space], at(space, page));
            const struct model_page* expected = &model[space][page];
            if (!mapping != (expected->vmo == NOTHING))
                return false;
            if (!mapping)
                continue;
            if (mapping->vmo != vmos[expected->vmo] ||
                mapping->permissions != expected->permissions)
                return false;
            if (mapping != last) {
                counts[expected->vmo].writable += !!(mapping->permissions & ZX_VM_PERM_WRITE);
                counts[expected->vmo].executable += !!(mapping->permissions & ZX_VM_PERM_EXECUTE);
            }
            last = mapping;
        }
    }
    for (unsigned i = 0; i < VMOS; i++)
        if (counts[i].writable != vmos[i]->mapped.writable ||
            counts[i].executable != vmos[i]->mapped.executable ||
            (counts[i].writable > 0 && counts[i].executable > 0))
            return false;
    return true;
}

SELFTEST(write_execute, counts_are_exact_whatever_is_done) {
    static const uint32_t kinds[] = {0, READ, READ_WRITE, READ_EXECUTE};
    uint32_t random = 8;
    unsigned done[3] = {0}, refused = 0;
    EXPECT(create());
    for (unsigned space = 0; space < SPACES; space++)
        for (size_t page = 0; page < PAGES; page++)
            model[space][page] = (struct model_page){NOTHING, 0};
    for (unsigned step = 0; step < 6000; step++) {
        unsigned space = random_below(&random, SPACES), vmo = random_below(&random, VMOS);
        size_t first = random_below(&random, PAGES);
        size_t count = 1 + random_below(&random, MIN(PAGES - (uint32_t)first, 12u));
        uint32_t permissions = kinds[random_below(&random, ARRAY_LENGTH(kinds))];
        unsigned action = random_below(&random, 3);
        zx_status_t status, expected = ZX_OK;
        if (action == 0) {
            status = map(space, vmo, permissions | ZX_VM_SPECIFIC_OVERWRITE, first, count);
            expected = model_map(space, vmo, permissions, first, count);
        } else if (action == 1) {
            status = protect(space, permissions, first, count);
            expected = model_protect(space, permissions, first, count);
        } else {
            status = unmap(space, first, count);
            for (size_t page = first; page < first + count; page++)
                model[space][page] = (struct model_page){NOTHING, 0};
        }
        EXPECT_EQUAL(status, expected);
        EXPECT(is_as_modelled());
        done[action] += status == ZX_OK;
        refused += status == ZX_ERR_ACCESS_DENIED;
    }
    EXPECT(done[0] > 500);
    EXPECT(done[1] > 100);
    EXPECT(done[2] > 1000);
    EXPECT(refused > 500);
    destroy();
}

/* --- two CPUs --------------------------------------------------------------------------------- */

static _Atomic uint32_t holders[2], overlaps, successes[2];

#define ROUNDS_MIN 3000u
#define GIVE_UP_AFTER 60000000000l

static bool all_have_succeeded(void) {
    return atomic_load(&successes[0]) > 0 && (cpu_count() == 1 || atomic_load(&successes[1]) > 0);
}

/* Every other CPU wants to write, the others to execute, each pair in an address space of its own:
 * by mapping, or by protecting what is mapped. A CPU that is held up with its mapping in place
 * keeps the others out for that time. So nobody stops before both kinds were granted. */
static void map_in_turns(void* number) {
    unsigned space = (unsigned)(uintptr_t)number % 2;
    uint32_t permissions = space ? READ_EXECUTE : READ_WRITE;
    zx_time_t give_up = clock_now() + GIVE_UP_AFTER;
    virtual_address_t address;
    for (unsigned i = 0; i < ROUNDS_MIN || (!all_have_succeeded() && clock_now() < give_up); i++) {
        bool by_protecting = i % 2;
        zx_status_t status =
            vmar_map(aspace_root(aspaces[space]),
                     &(struct vmar_map_request){by_protecting ? READ : permissions, ALL, 0, vmos[0],
                                                0, PAGE_SIZE, NULL},
                     &address);
        bool is_mapped = status == ZX_OK;
        if (is_mapped && by_protecting)
            status = vmar_protect(aspace_root(aspaces[space]), permissions, address, PAGE_SIZE);
        if (status == ZX_OK) {
            atomic_fetch_add(&holders[space], 1);
            if (atomic_load(&holders[!space]) > 0)
                atomic_fetch_add(&overlaps, 1);
            atomic_fetch_add(&successes[space], 1);
            cpu_relax();
            atomic_fetch_sub(&holders[space], 1);
        }
        if (is_mapped && vmar_unmap(aspace_root(aspaces[space]), address, PAGE_SIZE) != ZX_OK)
            atomic_fetch_add(&overlaps, 1);
        cpu_relax();
    }
}

SELFTEST(write_execute, cpus_that_want_both_at_once_never_get_both) {
    EXPECT(create());
    atomic_store(&overlaps, 0);
    atomic_store(&successes[0], 0);
    atomic_store(&successes[1], 0);
    EXPECT(run_on_all_cpus(map_in_turns));
    EXPECT_EQUAL(atomic_load(&overlaps), 0);
    EXPECT(all_have_succeeded());
    expect_uncounted();
    destroy();
}
