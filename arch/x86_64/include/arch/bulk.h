/* Copying a kilobyte or more, and clearing pages. At boot the kernel measures the routines that
 * this machine can run and uses the fastest ones.
 *
 * There are up to three routines: words; bytes (`rep movsb`, if the CPU says that it is fast); and
 * vectors. The vector routine restores the vector registers before it returns. */
#pragma once

#include <stddef.h>

struct bulk_routine {
    const char* name;
    /* `size` is BULK_COPY_MIN or more; the ranges do not overlap. Returns 0 when all is copied, 1
     * after a fault. The caller has opened access to user memory if one range is in it. */
    size_t (*copy)(void* to, const void* from, size_t size);
    void (*clear_page)(void* page);
};

#define BULK_COPY_MIN 1024ul

/* The routines in use. A kernel thread has no saved vector registers, so it must turn preemption
 * off before it calls them. The functions of mm/page.h do that. */
extern size_t (*bulk_copy)(void* to, const void* from, size_t size);
extern void (*bulk_clear_page)(void* page);

/* Sets the routines in use. Before this call words are moved. Call it before the other CPUs start.
 */
void bulk_use(const struct bulk_routine* copier, const struct bulk_routine* clearer);

/* Returns the routine with this number, of those that this machine can run. Numbers count from 0;
 * NULL past the last routine. */
const struct bulk_routine* bulk_routine(unsigned number);
