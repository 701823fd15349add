/* Where new regions go: at a random page in a neighbourhood of the VMAR, which is chosen at random
 * too. So addresses cannot be guessed, and yet a few page tables serve a whole program. Guard pages
 * are kept free on both sides of each region. */
#include <mm/placement.h>

#include <arch/cpu.h>
#include <arch/layout.h>
#include <lib/compiler.h>
#include <mm/region.h>

#define NEIGHBOURHOOD_SIZE (256ul << 20)
#define NEIGHBOURHOOD_ALIGNMENT (2ul << 20)
#define GUARD_SIZE PAGE_SIZE
#define RANDOM_TRIES 8u

bool vmar_is_free_locked(const struct vmar* vmar, virtual_address_t base, size_t size) {
    const struct region* next = vmar_region_from(vmar, base);
    return !next || region_base(next) >= base + size;
}

static bool fits_with_guards(const struct vmar* vmar, virtual_address_t base, size_t size) {
    virtual_address_t start = region_base(&vmar->region);
    if (!region_contains(&vmar->region, base, size))
        return false;
    virtual_address_t guarded = base - start >= GUARD_SIZE ? base - GUARD_SIZE : start;
    return vmar_is_free_locked(vmar, guarded, base + size + GUARD_SIZE - guarded);
}

/* Returns the first gap at or above `from` that is large enough; 0: there is none. */
static virtual_address_t first_fit(const struct vmar* vmar, virtual_address_t from, size_t size) {
    virtual_address_t base = from;
    while (!fits_with_guards(vmar, base, size)) {
        const struct region* next = vmar_region_from(vmar, base - GUARD_SIZE);
        if (!next)
            return 0; /* no region is in the way: the VMAR ends here */
        base = region_end(next) + GUARD_SIZE;
    }
    return base;
}

static virtual_address_t random_page(virtual_address_t base, size_t room, size_t alignment) {
    size_t places = room / alignment + 1;
    return ALIGN_UP(base, alignment) + cpu_random() % places * alignment;
}

static virtual_address_t neighbourhood_of(struct vmar* vmar) {
    if (vmar->neighbourhood == 0) {
        virtual_address_t base = region_base(&vmar->region);
        size_t size = vmar->region.size;
        vmar->neighbourhood =
            size > 2 * NEIGHBOURHOOD_SIZE
                ? random_page(base, size - 2 * NEIGHBOURHOOD_SIZE, NEIGHBOURHOOD_ALIGNMENT)
                : base;
    }
    return vmar->neighbourhood;
}

virtual_address_t vmar_place_locked(struct vmar* vmar, size_t size, bool is_compact) {
    virtual_address_t near = neighbourhood_of(vmar);
    size_t room = MIN(NEIGHBOURHOOD_SIZE, vmar->region.size);
    virtual_address_t place = 0;
    for (unsigned i = 0; i < RANDOM_TRIES && !is_compact && size < room; i++) {
        place = random_page(near, room - size, PAGE_SIZE);
        if (fits_with_guards(vmar, place, size))
            return place;
    }
    place = first_fit(vmar, near, size);
    return place ? place : first_fit(vmar, region_base(&vmar->region), size);
}
