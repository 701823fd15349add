/* Timers: each CPU has a priority queue of callbacks, driven by its one-shot local timer.
 *
 * Rules for timers:
 * - A callback runs in an interrupt, on the CPU that armed the timer, with no timer lock held.
 * - A callback may arm its own timer again, but never cancel it.
 * - Do not cancel a timer with a lock held that its callback takes: timer_cancel waits for the
 *   callback. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/priority_queue.h>

struct timer {
    struct priority_queue_node node; /* the key is the deadline; linked while the timer is armed */
    void (*callback)(struct timer* timer);
    uint32_t cpu; /* the CPU whose queue it is in, or was in last */
};

void timer_init_cpu(void); /* once on each CPU */
void timer_init(struct timer* timer, void (*callback)(struct timer*));
/* Arms the timer, which is not armed. It fires on the CPU that calls this. */
void timer_arm(struct timer* timer, zx_time_t deadline);
/* Disarms the timer. Afterwards the callback neither runs nor will run. Returns true if it was
 * stopped before it ran. */
bool timer_cancel(struct timer* timer);
