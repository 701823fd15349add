/* Copying a kilobyte and more, and clearing pages: each by the routine that was the quickest on
 * this machine at boot. There is one that moves words, one that moves bytes (`rep movsb`, where the
 * CPU says that it is fast), and one that moves vectors, which leaves the registers as they were.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bulk_routine {
    const char* name;
    /* `size` is BULK_COPY_MIN or more; the ranges do not overlap. 0: all of it is copied. 1: a
     * fault on what may be user memory, access to which the caller opened. */
    size_t (*copy)(void* to, const void* from, size_t size);
    void (*clear_page)(void* page);
};

#define BULK_COPY_MIN 1024ul

/* Those in use. A thread that has no vector registers of its own, because it never goes to user
 * mode, must have preemption off; that is what the functions of mm/page.h are for. */
extern size_t (*bulk_copy)(void* to, const void* from, size_t size);
extern void (*bulk_clear_page)(void* page);

/* Sets them; until then words are moved. Before there are other CPUs. */
void bulk_use(const struct bulk_routine* copier, const struct bulk_routine* clearer);

/* What this machine has: one after the other, NULL behind the last. */
const struct bulk_routine* bulk_routine(unsigned number);
