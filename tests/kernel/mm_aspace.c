/* The end of an address space, in pieces. */
#include <abi/errors.h>
#include <lib/units.h>
#include <mm/aspace.h>
#include <mm/page.h>
#include <mm/protect.h>
#include <mm/vmar.h>
#include <mm/vmar_map.h>
#include <mm/vmo_internal.h>

#include "all_cpus.h"
#include "selftest.h"

#define SMALL 500u  /* mappings of a page each */
#define DEPTH 300u  /* of VMARs, each inside the last one; a mapping in the deepest one */
#define LARGE 3000u /* pages of one mapping, all of them there */
#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define CAPABILITIES (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC)

static struct aspace* aspace;
static struct vmo* vmo;
static struct vmar* deepest;
static virtual_address_t deep_address;

static zx_status_t map(struct vmar* vmar, size_t pages, uint32_t more, virtual_address_t* mapped) {
    const struct vmar_map_request request = {READ_WRITE | more, READ_WRITE, 0, vmo, 0,
                                             pages * PAGE_SIZE, NULL};
    return vmar_map(vmar, &request, mapped);
}

/* Each VMAR is a page smaller than the one around it. The list of mappings of the VMO is as long as
 * the number of mappings that are left. */
static bool create(void) {
    virtual_address_t address;
    if (aspace_create(&aspace) != ZX_OK || vmo_create(LARGE * PAGE_SIZE, &vmo) != ZX_OK)
        return false;
    deepest = aspace_root(aspace);
    for (size_t i = 0; i < DEPTH; i++) {
        struct vmar* child;
        if (vmar_allocate(deepest, CAPABILITIES, 0, (DEPTH + 16 - i) * PAGE_SIZE, &child,
                          &address) != ZX_OK)
            return false;
        if (i > 0)
            vmar_release(deepest); /* the tree has a reference */
        deepest = child;
    }
    for (size_t i = 0; i < SMALL; i++)
        if (map(aspace_root(aspace), 1, 0, &address) != ZX_OK)
            return false;
    return map(deepest, 1, 0, &deep_address) == ZX_OK &&
           map(aspace_root(aspace), LARGE, ZX_VM_MAP_RANGE, &address) == ZX_OK;
}

/* The first piece has begun, and the deepest VMAR is not reached yet. */
static void expect_that_nothing_can_change(void) {
    struct vmar* child;
    virtual_address_t address;
    EXPECT_EQUAL(map(deepest, 1, 0, &address), ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(vmar_allocate(deepest, CAPABILITIES, 0, PAGE_SIZE, &child, &address),
                 ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(vmar_unmap(deepest, deep_address, 2 * PAGE_SIZE), ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(vmar_protect(deepest, ZX_VM_PERM_READ, deep_address, PAGE_SIZE), ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(vmar_destroy(deepest), ZX_ERR_BAD_STATE);
}

/* The VMO's reference goes to the mappings first, so that the last of them frees the pages. */
SELFTEST(mm_aspace, an_address_space_ends_in_pieces) {
    size_t free_before = pages_free_when_trimmed(), pieces = 0;
    EXPECT(create());
    struct page_table* table = aspace_page_table(aspace);
    size_t left = SMALL + 2, tables = table->table_pages;
    vmo_release(vmo);
    for (bool has_more = true; has_more; pieces++) {
        size_t left_before = left, tables_before = table->table_pages;
        size_t free_pages = page_count_free();
        int64_t units = UNITS_PER_PIECE;
        has_more = aspace_unmap_some(aspace, &units) || aspace_free_some_mappings(aspace, &units);
        if (pieces == 0)
            expect_that_nothing_can_change();
        left = has_more ? vmo->mapped.writable : 0;
        EXPECT(left_before - left <= UNITS_PER_PIECE);
        EXPECT(tables_before - table->table_pages <= UNITS_PER_PIECE);
        EXPECT(page_count_free() <= free_pages + UNITS_PER_PIECE + 20);
        if (pieces > 1000)
            break;
    }
    EXPECT(pieces > 5 && pieces < 1000);
    EXPECT(tables > 5);
    EXPECT_EQUAL(table->table_pages, 1);
    EXPECT_EQUAL(vmar_destroy(deepest), ZX_ERR_BAD_STATE);
    vmar_release(deepest);
    aspace_release(aspace);
    EXPECT(pages_come_back(free_before));
}
