#include <sched/timer.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/upcalls.h>
#include <debug/panic.h>
#include <lib/compiler.h>
#include <lock/spinlock.h>

struct timer_queue {
    _Alignas(CACHE_LINE_SIZE) struct spinlock lock; /* TIMER: guards the two below */
    struct priority_queue timers;
    struct timer* running; /* the timer whose callback runs now; NULL: none */
};

static struct timer_queue timer_queues[CPU_MAX];

void timer_init_cpu(void) {
    spinlock_init(&timer_queues[cpu_number()].lock, LOCK_TIMER);
}

void timer_init(struct timer* timer, void (*callback)(struct timer*)) {
    *timer = (struct timer){.callback = callback};
}

/* Interrupts are off, so the thread stays on this CPU while it uses the CPU's queue. */
void timer_arm(struct timer* timer, zx_time_t deadline) {
    interrupt_state_t state = interrupts_save_and_disable();
    struct timer_queue* queue = &timer_queues[cpu_number()];
    spin_lock(&queue->lock);
    ASSERT(!priority_queue_node_is_linked(&timer->node));
    timer->cpu = cpu_number();
    priority_queue_insert(&queue->timers, &timer->node, deadline);
    if (priority_queue_first(&queue->timers) == &timer->node)
        clock_set_timer(deadline);
    spin_unlock_irqrestore(&queue->lock, state);
}

/* The hardware timer may now fire too early, for nothing. That is cheaper than setting it again
 * here.
 *
 * The interrupt takes a timer out of the queue and notes it in `running` in one lock hold. So under
 * the lock a timer is armed, running or idle. If its callback runs, timer_cancel drops the lock and
 * waits for the callback. */
bool timer_cancel(struct timer* timer) {
    struct timer_queue* queue = &timer_queues[timer->cpu];
    for (;;) {
        interrupt_state_t state = spin_lock_irqsave(&queue->lock);
        bool was_armed = priority_queue_node_is_linked(&timer->node);
        bool is_running = queue->running == timer;
        if (was_armed)
            priority_queue_remove(&queue->timers, &timer->node);
        spin_unlock_irqrestore(&queue->lock, state);
        if (!is_running)
            return was_armed;
        cpu_relax();
    }
}

/* Callbacks run without the lock, because they take other locks and arm timers. */
void timer_interrupt(void) {
    struct timer_queue* queue = &timer_queues[cpu_number()];
    spin_lock(&queue->lock);
    struct priority_queue_node* first;
    while ((first = priority_queue_first(&queue->timers)) && first->key <= clock_now()) {
        struct timer* timer = CONTAINER_OF(first, struct timer, node);
        priority_queue_remove(&queue->timers, first);
        queue->running = timer;
        spin_unlock(&queue->lock);
        timer->callback(timer);
        spin_lock(&queue->lock);
        queue->running = NULL;
    }
    clock_set_timer(first ? first->key : ZX_TIME_INFINITE);
    spin_unlock(&queue->lock);
}
