/* VMOs of every kind, read and written by the kernel. */
#include <abi/errors.h>
#include <lib/units.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmo_copy.h>
#include <mm/vmo_fork.h>
#include <mm/vmo_internal.h>

#include "all_cpus.h"
#include "random.h"
#include "selftest.h"

#define PAGES 24u
#define SIZE (PAGES * PAGE_SIZE)

static uint8_t model[2][SIZE], bytes[SIZE];

static bool is_zero(struct vmo* vmo, uint64_t offset, size_t size) {
    memset(bytes, 0xff, size);
    if (vmo_read(vmo, bytes, offset, size) != ZX_OK)
        return false;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

SELFTEST(vmo, pages_come_when_they_are_touched_and_are_zero) {
    struct vmo* vmo;
    size_t free_before = page_count_free();
    EXPECT_OK(vmo_create(SIZE, &vmo));
    EXPECT_EQUAL(vmo_size(vmo), SIZE);
    EXPECT_EQUAL(vmo->committed, 0);
    EXPECT_OK(vmo_write(vmo, "x", 3 * PAGE_SIZE + 5, 1));
    EXPECT_EQUAL(vmo->committed, 1);
    EXPECT(is_zero(vmo, 3 * PAGE_SIZE, 5));
    EXPECT(is_zero(vmo, 3 * PAGE_SIZE + 6, PAGE_SIZE));
    EXPECT_EQUAL(vmo->committed, 2);
    EXPECT(is_zero(vmo, 5 * PAGE_SIZE, SIZE - 5 * PAGE_SIZE));
    EXPECT_EQUAL(vmo->committed, PAGES - 3);
    vmo_release(vmo);
    slab_trim();
    EXPECT(page_count_free() + 2 >= free_before); /* the cache's magazine */
}

/* The last page lies alone in the last of the tables. */
SELFTEST(vmo, the_last_release_frees_the_pages_in_pieces) {
    struct vmo* vmo;
    size_t free_before = page_count_free();
    EXPECT_OK(vmo_create(1ul << 40, &vmo));
    for (size_t i = 0; i < 1000; i++)
        EXPECT_OK(vmo_write(vmo, "x", i * PAGE_SIZE, 1));
    EXPECT_OK(vmo_write(vmo, "x", (1ul << 40) - 1, 1));
    vmo_reference(vmo);
    size_t free_at_first = page_count_free(), free_now = free_at_first;
    int64_t units = UNITS_PER_PIECE;
    EXPECT(!vmo_release_some(vmo, &units)); /* another one has it */
    EXPECT_EQUAL(page_count_free(), free_at_first);
    unsigned pieces = 0;
    for (bool has_more = true; has_more; pieces++) {
        size_t free_last = free_now;
        units = UNITS_PER_PIECE;
        has_more = vmo_release_some(vmo, &units);
        free_now = page_count_free();
        EXPECT(free_now > free_last && free_now <= free_last + UNITS_PER_PIECE + 20);
    }
    EXPECT(pieces > 5);
    EXPECT(free_now >= free_at_first + 1001);
    slab_trim();
    EXPECT(page_count_free() + 2 >= free_before); /* the cache's magazine */
}

SELFTEST(vmo, sizes_are_whole_pages_and_bounded) {
    struct vmo* vmo;
    EXPECT_OK(vmo_create(1, &vmo));
    EXPECT_EQUAL(vmo_size(vmo), PAGE_SIZE);
    vmo_release(vmo);
    EXPECT_OK(vmo_create(0, &vmo));
    EXPECT_EQUAL(vmo_size(vmo), 0);
    EXPECT_OK(vmo_read(vmo, bytes, 0, 0));
    EXPECT_EQUAL(vmo_read(vmo, bytes, 0, 1), ZX_ERR_OUT_OF_RANGE);
    vmo_release(vmo);
    EXPECT_EQUAL(vmo_create(UINT64_MAX, &vmo), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQUAL(vmo_create((1ul << 40) + 1, &vmo), ZX_ERR_OUT_OF_RANGE);
    EXPECT_OK(vmo_create(1ul << 40, &vmo)); /* costs nothing before it is used */
    EXPECT_OK(vmo_write(vmo, "end", (1ul << 40) - 3, 3));
    EXPECT_EQUAL(vmo->committed, 1);
    EXPECT_OK(vmo_read(vmo, bytes, (1ul << 40) - 3, 3));
    EXPECT_EQUAL(memcmp(bytes, "end", 3), 0);
    vmo_release(vmo);
}

SELFTEST(vmo, what_is_not_all_inside_is_refused) {
    static const uint64_t bad[][2] = {
        {SIZE, 1}, {SIZE - 1, 2}, {SIZE + 1, 0}, {0, SIZE + 1}, {UINT64_MAX, 1}, {1, UINT64_MAX},
    };
    struct vmo* vmo;
    EXPECT_OK(vmo_create(SIZE, &vmo));
    for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++) {
        EXPECT_EQUAL(vmo_read(vmo, bytes, bad[i][0], bad[i][1]), ZX_ERR_OUT_OF_RANGE);
        EXPECT_EQUAL(vmo_write(vmo, bytes, bad[i][0], bad[i][1]), ZX_ERR_OUT_OF_RANGE);
    }
    EXPECT_EQUAL(vmo->committed, 0);
    EXPECT_OK(vmo_read(vmo, bytes, SIZE, 0));
    vmo_release(vmo);
}

static physical_address_t address_of(struct vmo* vmo, size_t index) {
    physical_address_t physical = {0};
    bool is_shared;
    spin_lock(&vmo->lock);
    if (vmo_page_locked(vmo, index, false, &physical, &is_shared) != VMO_PAGE_OK)
        physical.value = 0;
    spin_unlock(&vmo->lock);
    return physical;
}

SELFTEST(vmo, physical_memory_is_used_as_it_is_and_stays) {
    struct page* block = page_alloc_order(1);
    struct vmo *vmo, *clone;
    EXPECT(block != NULL);
    char* memory = page_to_virtual(block);
    memset(memory, 'p', 2 * PAGE_SIZE);
    EXPECT_OK(vmo_create_physical(page_to_physical(block), 2 * PAGE_SIZE, &vmo));
    EXPECT_OK(vmo_write(vmo, "here", PAGE_SIZE - 2, 4));
    EXPECT_EQUAL(memcmp(memory + PAGE_SIZE - 3, "pherep", 6), 0);
    EXPECT_OK(vmo_create_clone(vmo, PAGE_SIZE, 2 * PAGE_SIZE, &clone));
    memset(memory, 'q', 2 * PAGE_SIZE);
    EXPECT_OK(vmo_read(clone, bytes, 0, 4));
    EXPECT_EQUAL(memcmp(bytes, "repp", 4), 0); /* a copy of its own */
    EXPECT(is_zero(clone, PAGE_SIZE, PAGE_SIZE));
    vmo_release(clone);
    vmo_release(vmo);
    EXPECT_EQUAL(memory[0], 'q');
    page_free_order(block, 1);
}

/* --- clones ----------------------------------------------------------------------------------- */

SELFTEST(vmo, a_clone_is_what_its_parent_was) {
    struct vmo *parent, *clone;
    EXPECT_OK(vmo_create(8 * PAGE_SIZE, &parent));
    EXPECT_OK(vmo_write(parent, "old", 2 * PAGE_SIZE, 3));
    EXPECT_EQUAL(vmo_create_clone(parent, 1, PAGE_SIZE, &clone), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(vmo_create_clone(parent, PAGE_SIZE, 20 * PAGE_SIZE, &clone));
    EXPECT_EQUAL(clone->committed, 1);
    EXPECT_EQUAL(address_of(clone, 1).value, address_of(parent, 2).value);
    EXPECT_OK(vmo_write(parent, "new", 2 * PAGE_SIZE, 3));
    EXPECT_OK(vmo_write(parent, "new", 4 * PAGE_SIZE, 3)); /* which was not there */
    EXPECT_OK(vmo_read(clone, bytes, PAGE_SIZE, 3));
    EXPECT_EQUAL(memcmp(bytes, "old", 3), 0);
    EXPECT(is_zero(clone, 3 * PAGE_SIZE, 3));
    EXPECT(is_zero(clone, 19 * PAGE_SIZE, PAGE_SIZE)); /* beyond the parent's end */
    EXPECT_OK(vmo_write(clone, "own", PAGE_SIZE, 3));
    EXPECT_OK(vmo_read(parent, bytes, 2 * PAGE_SIZE, 3));
    EXPECT_EQUAL(memcmp(bytes, "new", 3), 0);
    vmo_release(parent);
    EXPECT_OK(vmo_read(clone, bytes, PAGE_SIZE, 3));
    EXPECT_EQUAL(memcmp(bytes, "own", 3), 0);
    vmo_release(clone);
}

/* Two VMOs, each of which is now and then replaced by a clone of the other, against two arrays. */
SELFTEST(vmo, random_writes_and_clones_are_those_of_arrays) {
    struct vmo* vmos[2];
    uint32_t random = 77;
    size_t free_before = page_count_free();
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < 2; i++)
        EXPECT_OK(vmo_create(SIZE, &vmos[i]));
    for (unsigned round = 0; round < 600; round++) {
        unsigned which = random_next(&random) % 2;
        size_t offset = random_next(&random) % SIZE;
        size_t size = random_next(&random) % MIN(SIZE - offset, 3 * PAGE_SIZE);
        if (random_next(&random) % 8 == 0) {
            struct vmo* clone;
            EXPECT_OK(vmo_create_clone(vmos[!which], 0, SIZE, &clone));
            vmo_release(vmos[which]);
            vmos[which] = clone;
            memcpy(model[which], model[!which], SIZE);
        } else if (random_next(&random) % 2) {
            memset(bytes, (int)round, size);
            memset(model[which] + offset, (int)round, size);
            EXPECT_OK(vmo_write(vmos[which], bytes, offset, size));
        } else {
            EXPECT_OK(vmo_read(vmos[which], bytes, offset, size));
            EXPECT_EQUAL(memcmp(bytes, model[which] + offset, size), 0);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_OK(vmo_read(vmos[i], bytes, 0, SIZE));
        EXPECT_EQUAL(memcmp(bytes, model[i], SIZE), 0);
        vmo_release(vmos[i]);
    }
    EXPECT(page_count_free() + 2 >= free_before);
}

/* --- all CPUs --------------------------------------------------------------------------------- */

static struct vmo* shared;

/* Every CPU writes its own bytes of the same pages, and takes clones all the while: in each, its
 * own bytes are those it wrote last. */
static void write_and_clone(void* cpu) {
    size_t place = (uintptr_t)cpu;
    uint8_t seen[2];
    for (unsigned i = 1; i <= 60; i++) {
        struct vmo* clone;
        uint8_t value = (uint8_t)i;
        EXPECT_OK(vmo_write(shared, &value, place, 1));
        EXPECT_OK(vmo_write(shared, &value, 3 * PAGE_SIZE + place, 1));
        EXPECT_OK(vmo_create_clone(shared, 0, 4 * PAGE_SIZE, &clone));
        value = 0xee;
        EXPECT_OK(vmo_write(shared, &value, place, 1));
        EXPECT_OK(vmo_read(clone, &seen[0], place, 1));
        EXPECT_OK(vmo_read(clone, &seen[1], 3 * PAGE_SIZE + place, 1));
        EXPECT_OK(vmo_write(clone, &value, place, 1));
        vmo_release(clone);
        EXPECT_EQUAL(seen[0], i);
        EXPECT_EQUAL(seen[1], i);
    }
}

SELFTEST(vmo, all_cpus_write_and_clone_one_vmo) {
    size_t free_before = pages_free_when_trimmed();
    EXPECT_OK(vmo_create(4 * PAGE_SIZE, &shared));
    EXPECT(run_on_all_cpus(write_and_clone));
    vmo_release(shared);
    EXPECT(pages_come_back(free_before));
}
