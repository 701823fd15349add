/* Timers: callbacks at a time, in a per-CPU heap driven by the one-shot local timer.
 * Callbacks run in interrupt context with interrupts off and no timer lock held. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/heap.h>

struct timer {
    struct heap_node node; /* key: the deadline; linked while armed */
    void (*callback)(struct timer* timer);
    uint32_t cpu; /* whose heap it is or was in */
};

void timer_init(struct timer* timer, void (*callback)(struct timer*));
/* The timer is not armed. It fires on the CPU that runs this. */
void timer_arm(struct timer* timer, zx_time_t deadline);
/* Afterwards the callback neither runs nor will run. True if it was stopped before it ran. Never
 * called from the timer's own callback, nor with a lock held that the callback takes. */
bool timer_cancel(struct timer* timer);
