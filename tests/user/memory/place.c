#include "place.h"

#include <test.h>
#include <zircon/process.h>

#define PAGES 8

void place_create(struct place* place) {
    EXPECT_OK(zx_vmar_allocate(zx_vmar_root_self(), ANY_CHILD, 0, PAGES * PAGE, &place->vmar,
                               &place->base));
    EXPECT_OK(zx_vmo_create(PAGES * PAGE, 0, &place->vmo));
}

void place_destroy(const struct place* place) {
    EXPECT_OK(zx_vmar_destroy(place->vmar));
    EXPECT_OK(zx_handle_close(place->vmar));
    EXPECT_OK(zx_handle_close(place->vmo));
}

zx_status_t map_at(const struct place* place, uint32_t options, size_t page, size_t pages) {
    zx_vaddr_t address;
    return zx_vmar_map(place->vmar, options, page * PAGE, place->vmo, 0, pages * PAGE, &address);
}

void place_expect_empty(const struct place* place) {
    for (size_t page = 0; page < PAGES; page++)
        EXPECT(!is_readable(place->base + page * PAGE));
}
