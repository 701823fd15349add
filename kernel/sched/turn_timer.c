/* In the mode of arch/turns.h each CPU has a timer that is always armed: a thread that spins in
 * user mode executes no `pause`, and nothing else would end the turn of its CPU. */
#include <sched/sched.h>

#include <arch/clock.h>
#include <arch/turns.h>
#include <sched/sched_cpu.h>

#define IDLE_FACTOR 16 /* an idle CPU is interrupted less often */

static struct timer turn_timers[CPU_MAX];

/* Release builds do not note each switch: who runs, and how many have run, stands for them. */
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
