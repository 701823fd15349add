#include <arch/bulk.h>

#include <arch/context_switch.h>
#include <lib/compiler.h>

#include "cpu_internal.h"
#include "registers.h"

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

static const struct bulk_routine routines[] = {
    {"words", bulk_copy_words, bulk_clear_words},
    {"bytes", bulk_copy_bytes, bulk_clear_bytes},
    {"vectors", bulk_copy_vectors, bulk_clear_vectors},
};

/* The vectors need AVX, and an XGETBV that returns which registers are in use. */
static bool can_run(const struct bulk_routine* routine) {
    if (routine->copy == bulk_copy_bytes)
        return cpu_features.has_erms;
    if (routine->copy == bulk_copy_vectors)
        return cpu_features.has_xsave && fpu_xsave_mask & XCR0_AVX &&
               cpuid(CPUID_XSAVE, 1).eax & CPUID_XSAVE_XGETBV1;
    return true;
}

const struct bulk_routine* bulk_routine(unsigned number) {
    for (size_t i = 0; i < ARRAY_LENGTH(routines); i++)
        if (can_run(&routines[i]) && number-- == 0)
            return &routines[i];
    return NULL;
}

void bulk_use(const struct bulk_routine* copier, const struct bulk_routine* clearer) {
    bulk_copy = copier->copy;
    bulk_clear_page = clearer->clear_page;
}
