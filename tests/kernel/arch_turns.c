/* The mode of arch/turns.h. In other runs there is nothing to see. */
#include <arch/turns.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <debug/selftest.h>

#include "all_cpus.h"

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
