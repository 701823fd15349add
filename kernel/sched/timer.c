#include <sched/timer.h>

#include <arch/clock.h>
#include <arch/upcalls.h>
#include <debug/panic.h>
#include <lib/compiler.h>
#include <sched/sched_cpu.h>

void timer_init_cpu(struct sched_cpu* sched) {
    spinlock_init(&sched->timer_lock, LOCK_TIMER);
    sched->timers = (struct priority_queue){0};
    sched->running_timer = NULL;
}

void timer_init(struct timer* timer, void (*callback)(struct timer*)) {
    *timer = (struct timer){.callback = callback};
}

/* Sets the hardware timer to the first deadline. */
static void program(const struct sched_cpu* sched) {
    const struct priority_queue_node* first = priority_queue_first(&sched->timers);
    clock_set_timer(first ? first->key : ZX_TIME_INFINITE);
}

/* Interrupts are off, so the thread stays on this CPU from the look at its queue to the end. */
void timer_arm(struct timer* timer, zx_time_t deadline) {
    interrupt_state_t state = interrupts_save_and_disable();
    struct sched_cpu* sched = this_cpu()->sched;
    spin_lock(&sched->timer_lock);
    ASSERT(!priority_queue_node_is_linked(&timer->node));
    timer->cpu = sched->number;
    priority_queue_insert(&sched->timers, &timer->node, deadline);
    if (priority_queue_first(&sched->timers) == &timer->node)
        clock_set_timer(deadline);
    spin_unlock_irqrestore(&sched->timer_lock, state);
}

/* The hardware timer may now fire too early, for nothing. That is cheaper than setting it again
 * here.
 *
 * The interrupt takes a timer out of the queue and notes it in `running_timer` in one lock hold. So
 * under the lock a timer is armed, or running, or idle; no fourth case is missed. If its callback
 * runs, this waits for it without the lock. */
bool timer_cancel(struct timer* timer) {
    struct sched_cpu* sched = sched_of(timer->cpu);
    for (;;) {
        interrupt_state_t state = spin_lock_irqsave(&sched->timer_lock);
        bool was_armed = priority_queue_node_is_linked(&timer->node);
        bool is_running = sched->running_timer == timer;
        if (was_armed)
            priority_queue_remove(&sched->timers, &timer->node);
        spin_unlock_irqrestore(&sched->timer_lock, state);
        if (!is_running)
            return was_armed;
        cpu_relax();
    }
}

/* Callbacks run without the lock, because they take other locks and arm timers. */
void timer_interrupt(void) {
    struct sched_cpu* sched = this_cpu()->sched;
    spin_lock(&sched->timer_lock);
    struct priority_queue_node* first;
    while ((first = priority_queue_first(&sched->timers)) && first->key <= clock_now()) {
        struct timer* timer = CONTAINER_OF(first, struct timer, node);
        priority_queue_remove(&sched->timers, first);
        sched->running_timer = timer;
        spin_unlock(&sched->timer_lock);
        timer->callback(timer);
        spin_lock(&sched->timer_lock);
        sched->running_timer = NULL;
    }
    program(sched);
    spin_unlock(&sched->timer_lock);
}
