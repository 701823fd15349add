/* In the mode of arch/turns.h one CPU runs at a time. Each CPU has a timer that is always armed, to
 * end its turn. Nothing else would end the turn of a thread that spins in user mode without
 * `pause`. */
#include <sched/sched.h>

#include <arch/clock.h>
#include <arch/turns.h>
#include <sched/sched_cpu.h>
#include <sched/timer.h>

#define IDLE_FACTOR 16 /* an idle CPU is interrupted less often */

static struct timer turn_timers[CPU_MAX];

/* Release builds do not note each switch. Instead this callback notes which thread runs, and the
 * number of switches so far. */
static void turn_is_over(struct timer* timer) {
    const struct sched_cpu* sched = sched_here();
    bool is_idle = sched->running == sched->idle;
    turn_note((uintptr_t)sched->running + sched->turns + sched->hand_overs);
    timer_arm(timer, clock_now() + turn_length() * (is_idle ? IDLE_FACTOR : 1));
    turn_end();
}

void sched_take_turns(void) {
    if (!turns_are_on)
        return;
    struct timer* timer = &turn_timers[cpu_number()];
    timer_init(timer, turn_is_over);
    timer_arm(timer, clock_now() + turn_length());
}
