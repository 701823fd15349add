#include "fail_each.h"

#ifdef JACINTH_DEBUG

#include <mm/fail_allocation.h>
#include <mm/kernel_stack.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <object/object.h>
#include <sched/thread.h>

#include "all_cpus.h"
#include "selftest.h"

#define ALLOCATIONS_MAX                                                      \
    5000u /* more than any of them makes: a walk that goes on has gone wrong \
           */

struct counts {
    size_t pages, slab_objects, objects;
};

/* On one CPU, with nothing kept for later. */
static struct counts count_all(void) {
    slab_trim();
    kernel_stack_trim();
    return (struct counts){page_count_free(), slab_objects_in_use(), object_count()};
}

static bool leaves_nothing(bool (*make)(void), uint32_t nth, bool* is_over) {
    struct counts before = count_all();
    allocation_fail_nth(nth);
    bool is_made = make();
    allocation_fail_nth(0);
    *is_over = !allocation_has_failed();
    if (*is_over && !is_made)
        selftest_fail(__FILE__, __LINE__, "it fails with no allocation failing, of %u", nth);
    struct counts after = count_all();
    if (before.pages != after.pages)
        selftest_fail(__FILE__, __LINE__, "allocation %u fails: %ld pages lost", nth,
                      before.pages - after.pages);
    if (before.slab_objects != after.slab_objects)
        selftest_fail(__FILE__, __LINE__, "allocation %u fails: %ld slab objects lost", nth,
                      after.slab_objects - before.slab_objects);
    if (before.objects != after.objects)
        selftest_fail(__FILE__, __LINE__, "allocation %u fails: %ld objects lost", nth,
                      after.objects - before.objects);
    return !selftest_has_failed();
}

void fail_each(bool (*make)(void), uint32_t least) {
    stay_on_cpu(0);
    thread_bury_all();
    EXPECT(make()); /* once, so that the magazines are there */
    bool is_over = false;
    uint32_t nth = 0;
    while (!is_over && nth < ALLOCATIONS_MAX)
        if (!leaves_nothing(make, ++nth, &is_over))
            break;
    stay_anywhere();
    EXPECT(is_over || selftest_has_failed());
    EXPECT(nth > least);
}

#endif
