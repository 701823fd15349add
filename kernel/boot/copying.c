#include <boot/copying.h>

#include <arch/bulk.h>
#include <arch/clock.h>
#include <arch/layout.h>
#include <debug/log.h>
#include <lib/compiler.h>

#define TRIES 3

static void use(const struct bulk_routine* copier, const struct bulk_routine* clearer) {
    bulk_use(copier, clearer);
    log_debug("memory is copied by %s, cleared by %s", copier->name, clearer->name);
}

/* The shortest time is the measurement with the fewest interruptions. */
static uint64_t time_page(const struct bulk_routine* routine, bool must_clear, void* to,
                          const void* from) {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t start = clock_ticks();
        if (must_clear)
            routine->clear_page(to);
        else
            routine->copy(to, from, PAGE_SIZE);
        best = MIN(best, clock_ticks() - start);
    }
    return best;
}

static const struct bulk_routine* quickest(bool must_clear, void* to, const void* from) {
    const struct bulk_routine *best = bulk_routine(0), *tried;
    uint64_t best_time = UINT64_MAX;
    for (unsigned i = 0; (tried = bulk_routine(i)); i++) {
        uint64_t time = time_page(tried, must_clear, to, from);
        log_debug("a page by %s: %s in %lu ticks", tried->name, must_clear ? "cleared" : "copied",
                  time);
        if (time < best_time) {
            best = tried;
            best_time = time;
        }
    }
    return best;
}

void copying_choose(const struct boot_info* info) {
    static uint8_t to[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    static uint8_t from[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    const struct bulk_routine* routine;
    use(quickest(false, to, from), quickest(true, to, from));
    for (unsigned i = 0; (routine = bulk_routine(i)); i++)
        if (boot_option_is(info, "jacinth.copy", routine->name))
            use(routine, routine);
}
