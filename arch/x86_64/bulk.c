#include <arch/bulk.h>

#include <arch/cpu.h>
#include <arch/layout.h>
#include <debug/log.h>
#include <lib/compiler.h>

#include "cpu_internal.h"
#include "fpu_internal.h"

#define TRIES 3
#define CPUID_XSAVE_XGETBV1 (1u << 2) /* eax of the subleaf 1 */
#define XCR0_AVX (1u << 2)

/* bulk.S */
size_t bulk_copy_words(void* to, const void* from, size_t size);
size_t bulk_copy_bytes(void* to, const void* from, size_t size);
size_t bulk_copy_vectors(void* to, const void* from, size_t size);
void bulk_clear_words(void* page);
void bulk_clear_bytes(void* page);
void bulk_clear_vectors(void* page);

size_t (*bulk_copy)(void* to, const void* from, size_t size) = bulk_copy_words;
void (*bulk_clear_page)(void* page) = bulk_clear_words;

static bool always(void) {
    return true;
}

static bool has_fast_bytes(void) {
    return cpu_features.has_erms;
}

/* AVX, and XGETBV that tells which registers are in use. */
static bool has_vectors(void) {
    return cpu_features.has_xsave && fpu_xsave_mask & XCR0_AVX &&
           cpuid(CPUID_XSAVE, 1).eax & CPUID_XSAVE_XGETBV1;
}

static const struct {
    bool (*is_here)(void);
    struct bulk_routine routine;
} routines[] = {
    {always, {"words", bulk_copy_words, bulk_clear_words}},
    {has_fast_bytes, {"bytes", bulk_copy_bytes, bulk_clear_bytes}},
    {has_vectors, {"vectors", bulk_copy_vectors, bulk_clear_vectors}},
};

const struct bulk_routine* bulk_routine(unsigned number) {
    for (size_t i = 0; i < ARRAY_LENGTH(routines); i++)
        if (routines[i].is_here() && number-- == 0)
            return &routines[i].routine;
    return NULL;
}

/* The shortest time is the one in which nothing came between. */
static uint64_t time_copy(const struct bulk_routine* routine, void* to, const void* from) {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t start = timestamp_read();
        routine->copy(to, from, PAGE_SIZE);
        best = MIN(best, timestamp_read() - start);
    }
    return best;
}

static uint64_t time_clear(const struct bulk_routine* routine, void* page) {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t start = timestamp_read();
        routine->clear_page(page);
        best = MIN(best, timestamp_read() - start);
    }
    return best;
}

void bulk_use(const struct bulk_routine* copier, const struct bulk_routine* clearer) {
    bulk_copy = copier->copy;
    bulk_clear_page = clearer->clear_page;
    log_debug("memory is copied by %s, cleared by %s", copier->name, clearer->name);
}

static void choose(void* to, const void* from) {
    const struct bulk_routine *copier = &routines[0].routine, *clearer = copier, *tried;
    uint64_t copy_best = UINT64_MAX, clear_best = UINT64_MAX;
    for (unsigned i = 0; (tried = bulk_routine(i)); i++) {
        uint64_t copy_time = time_copy(tried, to, from), clear_time = time_clear(tried, to);
        log_debug("a page by %s: copied in %lu ticks, cleared in %lu", tried->name, copy_time,
                  clear_time);
        if (copy_time < copy_best) {
            copier = tried;
            copy_best = copy_time;
        }
        if (clear_time < clear_best) {
            clearer = tried;
            clear_best = clear_time;
        }
    }
    bulk_use(copier, clearer);
}

void bulk_init(void) {
    static uint8_t to[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    static uint8_t from[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    choose(to, from);
}
