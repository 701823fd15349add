/* The mode of arch/turns.h. In other runs there is nothing to see. */
#include <arch/turns.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <lock/spinlock.h>

#include "all_cpus.h"
#include "selftest.h"

#define SPIN_NANOSECONDS 100000000l
#define FAIR_SHARE 8u /* one CPU gets at most so many times as much as another */

static uint64_t steps[CPU_MAX];
static zx_time_t end;

/* As a program would: no `pause`, no call. */
static void spin(void* cpu) {
    volatile uint64_t* count = &steps[(uintptr_t)cpu];
    *count = 0;
    while (clock_now() < end)
        ++*count;
}

SELFTEST(arch_turns, cpus_that_spin_share_the_time) {
    if (!turns_are_on)
        return;
    end = clock_now() + SPIN_NANOSECONDS;
    EXPECT(run_on_all_cpus(spin));
    uint64_t least = UINT64_MAX, most = 0;
    for (uint32_t i = 0; i < cpu_count(); i++) {
        least = MIN(least, steps[i]);
        most = MAX(most, steps[i]);
    }
    EXPECT(least > 0);
    EXPECT(most / least < FAIR_SHARE);
}

#ifdef JACINTH_DEBUG /* release builds have no such points */

#define OPERATIONS 20000u /* at one of 1,024 points, on average, a turn ends, or at more */
#define ENDED_MIN 5u

/* Interrupts are off, so the timer ends no turn of this CPU. */
SELFTEST(arch_turns, a_turn_may_end_at_a_lock) {
    static struct spinlock lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
    if (!turns_are_on)
        return;
    interrupt_state_t state = interrupts_save_and_disable();
    uint64_t before = turns_count();
    for (unsigned i = 0; i < OPERATIONS; i++) {
        spin_lock(&lock);
        spin_unlock(&lock);
    }
    uint64_t ended = turns_count() - before;
    interrupts_restore(state);
    EXPECT(ended >= ENDED_MIN);
}
#endif
