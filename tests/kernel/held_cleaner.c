#include "held_cleaner.h"

#include <abi/errors.h>
#include <arch/clock.h>
#include <sched/cleaner.h>
#include <sched/park.h>
#include <sched/thread.h>

#include "all_cpus.h"

static _Atomic bool is_free;
static _Atomic uint32_t held;

/* Unlike a real piece of work this one waits. */
static bool hold(struct cleaning* cleaning) {
    (void)cleaning;
    atomic_fetch_add(&held, 1);
    while (!atomic_load(&is_free))
        if (thread_sleep_until(clock_now() + 100000) != ZX_OK)
            break;
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
}
