#include "flicker.h"
#include "objects.h"
#include "test.h"

#include <zircon/process.h>

#define ROUNDS 200u
#define ROUNDS_MAX 2000u /* unless both outcomes were seen by then: nothing makes them come */
#define CHILD_OPTIONS (ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE)
#define MAP_OPTIONS (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC)

/* Both states last now and then: CPUs that take turns in one host thread would otherwise let the
 * other thread see only one of them. */
static void pause_in(uint32_t round) {
    if (round % 4 == 0)
        sleep_for(ZX_USEC(200));
    else
        thrd_yield();
}

/* The second half goes first: then copies fail half-way. */
static int come_and_go(void* argument) {
    struct flicker* flicker = argument;
    zx_vaddr_t start = (zx_vaddr_t)flicker->bytes, address;
    size_t half = flicker->size / 2;
    for (uint32_t round = 0; !atomic_load(&flicker->must_stop); round++) {
        if (zx_vmar_unmap(flicker->vmar, start + half, half) != ZX_OK)
            return 1;
        pause_in(round);
        if (zx_vmar_unmap(flicker->vmar, start, half) != ZX_OK ||
            zx_vmar_map(flicker->vmar, MAP_OPTIONS, 0, flicker->vmo, 0, flicker->size, &address) !=
                ZX_OK)
            return 2;
        pause_in(round + 1);
    }
    return 0;
}

void flicker_start(struct flicker* flicker, size_t size) {
    zx_vaddr_t start, address;
    *flicker = (struct flicker){.size = size};
    EXPECT_OK(zx_vmo_create(size, 0, &flicker->vmo));
    EXPECT_OK(
        zx_vmar_allocate(zx_vmar_root_self(), CHILD_OPTIONS, 0, size, &flicker->vmar, &start));
    EXPECT_OK(zx_vmar_map(flicker->vmar, MAP_OPTIONS, 0, flicker->vmo, 0, size, &address));
    flicker->bytes = (char*)start;
    EXPECT_EQUAL(thrd_create(&flicker->thread, come_and_go, flicker), thrd_success);
}

/* Not always the same, so that the two threads do not fall into step. */
void flicker_count(struct flicker* flicker, bool is_good) {
    (*(is_good ? &flicker->good : &flicker->bad))++;
    uint32_t rounds = flicker->good + flicker->bad;
    if (rounds % 16 == 15)
        sleep_for(ZX_USEC(rounds));
    else
        thrd_yield();
}

bool flicker_is_over(const struct flicker* flicker) {
    uint32_t rounds = flicker->good + flicker->bad;
    bool were_both = flicker->good && flicker->bad;
    return test_has_failed() || rounds >= (were_both ? ROUNDS : ROUNDS_MAX);
}

void flicker_stop(struct flicker* flicker) {
    int result;
    atomic_store(&flicker->must_stop, true);
    EXPECT_EQUAL(thrd_join(flicker->thread, &result), thrd_success);
    EXPECT_EQUAL(result, 0);
    EXPECT_OK(zx_vmar_destroy(flicker->vmar));
    EXPECT_OK(zx_handle_close(flicker->vmar));
    EXPECT_OK(zx_handle_close(flicker->vmo));
}
