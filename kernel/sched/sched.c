/* Choosing who runs.
 *
 * A thread belongs to one CPU (`thread->sched`), whose run queue lock guards its state. The lock is
 * held over the switch itself and released by the thread that is switched to: so whoever gets the
 * lock and finds a thread blocked or ready knows that its registers are saved.
 *
 * A thread on its way from one CPU to another is MOVING: in no queue, touched by its mover only.
 */
#include <sched/sched.h>

#include <stdatomic.h>

#include <arch/clock.h>
#include <arch/context.h>
#include <arch/interrupt.h>
#include <debug/panic.h>
#include <lock/preempt.h>
#include <mm/aspace.h>
#include <sched/run_queue.h>
#include <sched/sched_cpu.h>

#define SLICE_NANOSECONDS 10000000l
#define HELP_DELAY_NANOSECONDS 50000l

struct sched_cpu sched_cpus[CPU_MAX];
static _Atomic uint32_t idle_cpus; /* bit per CPU whose idle thread runs */

void thread_first_run(void);

static struct sched_cpu* sched_here(void) {
    return this_cpu()->sched;
}

static void want_reschedule(void) {
    this_cpu()->preempt_count &= ~PREEMPT_NOT_WANTED;
}

/* --- time slices ------------------------------------------------------------------------------ */

/* The timer is started when a thread waits behind one of its own priority, and left alone while it
 * runs: a thread that was switched to since it was started gets a whole slice more. So a slice
 * lasts between one and two periods, and switching costs nothing. */
static void start_slice_locked(struct sched_cpu* sched) {
    sched->is_slice_armed = true;
    sched->switches_at_slice_start = sched->switches;
    timer_arm(&sched->slice_timer, clock_now() + SLICE_NANOSECONDS);
}

static void slice_ended(struct timer* timer) {
    struct sched_cpu* sched = CONTAINER_OF(timer, struct sched_cpu, slice_timer);
    spin_lock(&sched->lock);
    sched->is_slice_armed = false;
    struct thread* running = sched->running;
    if (running != sched->idle && sched->ready_bitmap >> running->priority != 0) {
        if (sched->switches == sched->switches_at_slice_start)
            want_reschedule();
        start_slice_locked(sched);
    }
    spin_unlock(&sched->lock);
}

/* --- help ------------------------------------------------------------------------------------ */

static uint32_t idle_cpus_for(const struct thread* thread) {
    return atomic_load_explicit(&idle_cpus, memory_order_relaxed) & thread->affinity;
}

/* An idle CPU is called to steal only when a ready thread has waited for a while: whoever wakes
 * another thread is mostly about to block, and then the thread is best run here, where what the two
 * talk about is in the cache, and nobody was woken up for it. */
static void start_help_locked(struct sched_cpu* sched) {
    if (sched->is_help_armed)
        return;
    sched->is_help_armed = true;
    timer_arm(&sched->help_timer, clock_now() + HELP_DELAY_NANOSECONDS);
}

static void help_is_due(struct timer* timer) {
    struct sched_cpu* sched = CONTAINER_OF(timer, struct sched_cpu, help_timer);
    spin_lock(&sched->lock);
    sched->is_help_armed = false;
    uint32_t helpers = sched->ready_count > 0 ? idle_cpus_for(queue_first(sched)) : 0;
    if (helpers) { /* else whoever gets idle looks round by itself */
        ipi_reschedule((uint32_t)__builtin_ctz(helpers));
        if (sched->ready_count > 1)
            start_help_locked(sched);
    }
    spin_unlock(&sched->lock);
}

/* --- becoming ready --------------------------------------------------------------------------- */

/* `thread` has just been queued at `sched`; whoever should run it is told. Under the lock. */
static NOINLINE void notify_locked(struct sched_cpu* sched, const struct thread* thread) {
    const struct thread* running = sched->running;
    bool is_here = sched->number == cpu_number();
    if (running == sched->idle || thread->priority > running->priority) {
        if (is_here)
            want_reschedule();
        else
            ipi_reschedule(sched->number);
        return;
    }
    uint32_t helpers = idle_cpus_for(thread);
    if (helpers) {
        if (is_here)
            start_help_locked(sched);
        else
            ipi_reschedule((uint32_t)__builtin_ctz(helpers)); /* it will steal */
    }
    /* Only the CPU itself can arm its timer. */
    if (thread->priority == running->priority && !sched->is_slice_armed) {
        if (is_here)
            start_slice_locked(sched);
        else if (!helpers)
            ipi_reschedule(sched->number);
    }
}

/* Queues a thread that this queue's CPU may run. In the usual case nobody need be told: the thread
 * waits behind an equal whose slice is being timed, and no CPU is idle. */
static inline void make_ready_locked(struct sched_cpu* sched, struct thread* thread) {
    queue_push(sched, thread, false);
    const struct thread* running = sched->running;
    if (unlikely(!sched->is_slice_armed || running == sched->idle ||
                 thread->priority > running->priority || idle_cpus_for(thread)))
        notify_locked(sched, thread);
}

static uint32_t choose_cpu(const struct thread* thread) {
    uint32_t online = (uint32_t)((1ul << cpu_count()) - 1);
    uint32_t allowed = thread->affinity & online;
    uint32_t idle = allowed & atomic_load_explicit(&idle_cpus, memory_order_relaxed);
    return (uint32_t)__builtin_ctz(idle ? idle : allowed ? allowed : online);
}

/* Queues a MOVING thread at a CPU it may run on. */
static void place(struct thread* thread) {
    struct sched_cpu* sched = sched_of(choose_cpu(thread));
    interrupt_state_t state = spin_lock_irqsave(&sched->lock);
    thread->sched = sched;
    make_ready_locked(sched, thread);
    spin_unlock_irqrestore(&sched->lock, state);
}

/* The run queue that `thread` belongs to, locked, interrupts off. */
static inline struct sched_cpu* lock_thread(struct thread* thread, interrupt_state_t* state) {
    for (;;) {
        struct sched_cpu* sched = __atomic_load_n(&thread->sched, __ATOMIC_RELAXED);
        *state = spin_lock_irqsave(&sched->lock);
        if (likely(thread->sched == sched))
            return sched;
        spin_unlock_irqrestore(&sched->lock, *state);
    }
}

static inline bool wake(struct thread* thread, bool is_kill) {
    interrupt_state_t state;
    struct sched_cpu* sched = lock_thread(thread, &state);
    if (unlikely(thread->state != THREAD_BLOCKED || (is_kill && !thread->is_interruptible))) {
        spin_unlock_irqrestore(&sched->lock, state);
        return false;
    }
    if (likely(thread->affinity >> sched->number & 1)) {
        make_ready_locked(sched, thread);
        spin_unlock_irqrestore(&sched->lock, state);
    } else {
        thread->state = THREAD_MOVING;
        spin_unlock_irqrestore(&sched->lock, state);
        place(thread);
    }
    return true;
}

bool sched_wake(struct thread* thread) {
    return wake(thread, false);
}

bool sched_wake_if_interruptible(struct thread* thread) {
    return wake(thread, true);
}

/* --- handing over -------------------------------------------------------------------------------
 */

/* The successor is MOVING: nobody else touches it until its predecessor has left the CPU. */
bool sched_wake_as_successor(struct thread* thread, bool at_once) {
    struct thread* running = thread_current();
    interrupt_state_t state;
    struct sched_cpu* sched = lock_thread(thread, &state);
    if (unlikely(thread->state != THREAD_BLOCKED || running->successor ||
                 thread->priority < running->priority || !(thread->affinity >> cpu_number() & 1))) {
        spin_unlock_irqrestore(&sched->lock, state);
        return sched_wake(thread);
    }
    thread->state = THREAD_MOVING;
    running->successor = thread;
    if (at_once)
        want_reschedule();
    spin_unlock_irqrestore(&sched->lock, state);
    return true;
}

/* The running thread did not block. */
void thread_hand_over_give_up(void) {
    struct thread* running = thread_current();
    interrupt_state_t state = interrupts_save_and_disable();
    struct thread* successor = running->successor;
    running->successor = NULL;
    interrupts_restore(state);
    if (successor)
        place(successor);
}

/* Whom `previous` woke to run in its place: it does, unless somebody more urgent is ready. Whoever
 * makes way for it, and is ready, goes first again when it blocks. */
static struct thread* take_successor_locked(struct sched_cpu* sched, struct thread* previous) {
    struct thread* successor = previous->successor;
    previous->successor = NULL;
    successor->sched = sched;
    successor->inherits_slice = true;
    if (unlikely(!(successor->affinity >> sched->number & 1)))
        want_reschedule(); /* changed meanwhile: it is moved when it is switched away from */
    if (previous->state == THREAD_READY && idle_cpus_for(previous))
        start_help_locked(sched);
    if (likely(sched->ready_bitmap >> successor->priority <= 1))
        return successor;
    queue_push(sched, successor, true);
    return queue_pop(sched);
}

/* --- switching -------------------------------------------------------------------------------- */

/* The first thing in the thread that was switched to: the lock its predecessor took is released. */
static ALWAYS_INLINE void finish_switch(void) {
    struct sched_cpu* sched = sched_here();
    struct thread* previous = sched->previous;
    bool must_place = false;
    if (unlikely(previous->state >= THREAD_MOVING)) {
        must_place = previous->state == THREAD_MOVING;
        if (!must_place)
            list_push_back(&sched->dead, &previous->run_node);
    }
    spin_unlock(&sched->lock);
    if (unlikely(must_place))
        place(previous);
}

void thread_first_run(void) {
    finish_switch();
}

/* A kernel thread runs on whatever address space is loaded; aspace_release evicts it from CPUs that
 * only have it so. */
static void switch_aspace(struct cpu* cpu, struct aspace* aspace) {
    if (!aspace || aspace == cpu->active_aspace)
        return;
    page_table_switch(cpu->active_aspace ? aspace_page_table(cpu->active_aspace) : NULL,
                      aspace_page_table(aspace));
    cpu->active_aspace = aspace;
}

void sched_switch_and_unlock(struct sched_cpu* sched, interrupt_state_t state) {
    struct cpu* cpu = this_cpu();
    struct thread* previous = sched->running;
    cpu->preempt_count |= PREEMPT_NOT_WANTED;
    struct thread* next =
        unlikely(previous->successor) ? take_successor_locked(sched, previous) : queue_pop(sched);
    next->state = THREAD_RUNNING;
    if (next == previous) {
        spin_unlock(&sched->lock);
    } else {
        ASSERT((cpu->preempt_count & ~PREEMPT_NOT_WANTED) == 1);
        sched->switches++;
        if (next->inherits_slice) {
            next->inherits_slice = false;
            sched->switches_at_slice_start++;
        }
        if (unlikely(next == sched->idle))
            atomic_fetch_or(&idle_cpus, 1u << sched->number);
        else if (unlikely(previous == sched->idle))
            atomic_fetch_and(&idle_cpus, ~(1u << sched->number));
        if (sched->ready_bitmap >> next->priority & 1 && !sched->is_slice_armed)
            start_slice_locked(sched);
        sched->running = next;
        sched->previous = previous;
        cpu->current = next;
        switch_aspace(cpu, next->aspace);
        context_switch(&previous->context, &next->context, (uint64_t)next->stack_top);
        finish_switch(); /* on this thread's stack again, perhaps on another CPU */
    }
    interrupts_restore(state);
    struct sched_cpu* here = sched_here();
    if (unlikely(!list_is_empty(&here->dead)) && interrupts_are_enabled())
        thread_reap();
}

/* The running thread goes on later: behind its equals, or before them if somebody runs in its place
 * meanwhile. Interrupts are off (`state`: as they were). */
static void requeue_and_switch(interrupt_state_t state) {
    struct sched_cpu* sched = sched_here();
    spin_lock(&sched->lock);
    struct thread* thread = sched->running;
    if (thread != sched->idle) {
        if (thread->affinity >> sched->number & 1) {
            thread->inherits_slice = thread->successor != NULL;
            queue_push(sched, thread, thread->inherits_slice);
        } else {
            thread->state = THREAD_MOVING;
        }
    }
    sched_switch_and_unlock(sched, state);
}

void thread_yield(void) {
    requeue_and_switch(interrupts_save_and_disable());
}

/* With interrupts off nothing can be done here: the end of the interrupt, or the next
 * preempt_enable with interrupts on, sees the same request. */
void preempt_reschedule(void) {
    interrupt_state_t state = interrupts_save_and_disable();
    if (interrupts_were_enabled(state))
        requeue_and_switch(state);
}

void interrupt_preempt(void) {
    requeue_and_switch(interrupts_save_and_disable());
}

/* Another CPU queued something here, or wants this one to steal or to look at its thread again. */
void reschedule_interrupt(void) {
    want_reschedule();
}

/* --- affinity and priority ---------------------------------------------------------------------
 */

void sched_apply_affinity(struct thread* thread) {
    interrupt_state_t state;
    struct sched_cpu* sched = lock_thread(thread, &state);
    bool is_allowed = thread->affinity >> sched->number & 1;
    bool must_place = !is_allowed && thread->state == THREAD_READY;
    if (must_place) {
        queue_remove(sched, thread);
        thread->state = THREAD_MOVING;
    } else if (!is_allowed && thread->state == THREAD_RUNNING) {
        if (sched->number == cpu_number())
            want_reschedule();
        else
            ipi_reschedule(sched->number);
    }
    spin_unlock_irqrestore(&sched->lock, state);
    if (must_place)
        place(thread);
}

void sched_change_priority(struct thread* thread, uint32_t priority) {
    interrupt_state_t state;
    struct sched_cpu* sched = lock_thread(thread, &state);
    if (thread->state == THREAD_READY) {
        queue_remove(sched, thread);
        thread->priority = priority;
        make_ready_locked(sched, thread);
    } else {
        thread->priority = priority;
        bool is_outranked = thread->state == THREAD_RUNNING && sched->ready_bitmap >> priority > 1;
        if (is_outranked && sched->number == cpu_number())
            want_reschedule();
        else if (is_outranked)
            ipi_reschedule(sched->number);
    }
    spin_unlock_irqrestore(&sched->lock, state);
}

/* --- idling ------------------------------------------------------------------------------------
 */

/* The most urgent thread of `victim` that may run here; at most one per queue is looked at. */
static struct thread* steal_from(struct sched_cpu* victim, uint32_t here) {
    struct thread* found = NULL;
    interrupt_state_t state = spin_lock_irqsave(&victim->lock);
    for (uint32_t left = victim->ready_bitmap; left && !found;) {
        unsigned priority = 31u - (unsigned)__builtin_clz(left);
        left &= ~(1u << priority);
        LIST_FOR_EACH(node, &victim->queues[priority]) {
            struct thread* thread = LIST_ENTRY(node, struct thread, run_node);
            if (thread->affinity >> here & 1) {
                found = thread;
                break;
            }
        }
    }
    if (found) {
        queue_remove(victim, found);
        found->state = THREAD_MOVING;
    }
    spin_unlock_irqrestore(&victim->lock, state);
    return found;
}

static bool steal(struct sched_cpu* sched) {
    for (uint32_t i = 1; i < cpu_count(); i++) {
        struct sched_cpu* victim = sched_of((sched->number + i) % cpu_count());
        if (__atomic_load_n(&victim->ready_count, __ATOMIC_RELAXED) == 0)
            continue;
        struct thread* thread = steal_from(victim, sched->number);
        if (!thread)
            continue;
        interrupt_state_t state = spin_lock_irqsave(&sched->lock);
        thread->sched = sched;
        queue_push(sched, thread, false);
        spin_unlock_irqrestore(&sched->lock, state);
        return true;
    }
    return false;
}

/* Interrupts are off: nothing comes in between this look and the wait. */
static bool has_nothing_to_do(struct sched_cpu* sched) {
    return list_is_empty(&sched->dead) && !steal(sched) && sched->ready_count == 0 &&
           this_cpu()->preempt_count & PREEMPT_NOT_WANTED;
}

/* The bit in idle_cpus is set, and interrupts are off, before the last look round: a thread that
 * becomes ready afterwards brings an interrupt, which ends the wait even if it came before it
 * began. One that came, ran and died since thread_reap lies in the list of the dead. */
void sched_idle(void) {
    struct sched_cpu* sched = sched_here();
    atomic_fetch_or(&idle_cpus, 1u << sched->number);
    for (;;) {
        thread_reap();
        interrupts_disable();
        if (has_nothing_to_do(sched))
            cpu_wait_for_interrupt();
        interrupts_enable();
        thread_yield();
    }
}

/* --- beginning ---------------------------------------------------------------------------------
 */

void sched_init_cpu(void) {
    struct cpu* cpu = this_cpu();
    struct sched_cpu* sched = &sched_cpus[cpu->number];
    spinlock_init(&sched->lock, LOCK_RUN_QUEUE);
    sched->number = cpu->number;
    for (unsigned i = 0; i < THREAD_PRIORITY_COUNT; i++)
        list_init(&sched->queues[i]);
    list_init(&sched->dead);
    timer_init_cpu(sched);
    timer_init(&sched->slice_timer, slice_ended);
    timer_init(&sched->help_timer, help_is_due);
    sched->idle = thread_adopt_idle(cpu->number);
    sched->running = sched->idle;
    cpu->current = sched->idle;
    cpu->sched = sched;
}

void sched_init(void) {
    sched_init_cpu();
}

uint64_t sched_context_switches(void) {
    uint64_t switches = 0;
    for (uint32_t i = 0; i < cpu_count(); i++)
        switches += sched_cpus[i].switches;
    return switches;
}
