#include "held_cleaner.h"

#include <arch/preempt.h>
#include <sched/cleaner.h>
#include <sched/park.h>
#include <sched/thread.h>

#include "all_cpus.h"

static _Atomic bool is_free;
static _Atomic uint32_t held;
static struct thread* cleaner; /* known once it is held */

/* Unlike a real piece of work this one waits. It polls nothing: it does not disturb a test that
 * measures. */
static bool hold(struct cleaning* cleaning) {
    (void)cleaning;
    cleaner = thread_current();
    atomic_fetch_add(&held, 1);
    while (!atomic_load(&is_free))
        thread_park_uninterruptible();
    return false;
}

static struct cleaning holder = CLEANING_INITIALIZER(hold);

bool cleaner_hold(void) {
    atomic_store(&is_free, false);
    atomic_store(&held, 0);
    cleaner_request(&holder);
    return counter_comes_to(&held, 1);
}

void cleaner_let_go(void) {
    atomic_store(&is_free, true);
    preempt_disable();
    if (cleaner)
        thread_unpark(cleaner);
    preempt_enable();
}
