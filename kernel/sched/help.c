/* An idle CPU may have to look at very many ready threads, none of which may run on it. So it looks
 * in pieces of at most LOOK_THREADS_MAX threads.
 *
 * Between two pieces a bookmark in the queue marks where the next one goes on. Run queues hold
 * nothing but threads, so the bookmark is the idle thread of the looking CPU. When the other CPU
 * pops the bookmark in its turn, it drops it. All threads before the bookmark are gone by then, so
 * the look goes on at the queue's head. */
#include <sched/help.h>

#include <arch/clock.h>
#include <arch/interrupt.h>
#include <arch/turns.h>
#include <lib/compiler.h>
#include <sched/run_queue.h>

#define HELP_DELAY_NANOSECONDS 50000l
#define LOOK_THREADS_MAX 64u
#define WAITING_MAX 16u

_Atomic uint32_t idle_cpus HOT_DATA;

/* --- calling ---------------------------------------------------------------------------------- */

/* The called CPU may stop being idle at the same moment. The races, and what closes them:
 * 1. The CPU does not see the call. The caller writes the call first, then reads idle_cpus once
 *    more. The CPU clears its bit first, then looks for a call (help_leave_locked). All four steps
 *    are sequentially consistent, so at least one of the two sees the other. If the caller still
 *    sees the bit, the CPU finds the call: when it stops being idle, or in its next look.
 * 2. Both see the other. Each takes the call by an exchange. One of them gets the call, and passes
 *    it on.
 * 3. The call of another caller may be taken together with this one. So it is passed on to all CPUs
 *    that either call named, also to the CPU just asked: it may be idle again. Each further round
 *    means that a CPU has stopped being idle. If none of the CPUs is idle, each had its bit clear
 *    after the thread was queued. So each looks when it becomes idle (help.h, step 1). */
void help_call(uint32_t cpus) {
    uint32_t idle;
    while ((idle = cpus & atomic_load_explicit(&idle_cpus, memory_order_relaxed)) != 0) {
        struct sched_cpu* helper = &sched_cpus[__builtin_ctz(idle)];
        turn_point();
        atomic_fetch_or(&helper->called, cpus); /* 1 */
        turn_point();
        if (atomic_load(&idle_cpus) & helper->mask) { /* 1 */
            ipi_reschedule(helper->number);
            return;
        }
        cpus = atomic_exchange(&helper->called, 0); /* 2, 3 */
    }
}

static bool is_anybody_ready(void) {
    for (uint32_t i = 0; i < cpu_count(); i++)
        if (__atomic_load_n(&sched_cpus[i].ready_bitmap, __ATOMIC_RELAXED) != 0)
            return true;
    return false;
}

/* Passes this CPU's call on to the other CPUs that the call named. */
static void pass_call_on(struct sched_cpu* here) {
    uint32_t others = here->look.call & ~here->mask;
    here->look.call = 0;
    if (others && is_anybody_ready())
        help_call(others);
}

/* An idle CPU is called only when a ready thread has waited for HELP_DELAY_NANOSECONDS. Usually the
 * waker is about to block, and then the woken thread runs here soon. That is better: the data that
 * the two threads share is in this CPU's cache, and no halted CPU had to be woken. But only the CPU
 * itself can arm its timer. */
void help_start_or_call_locked(struct sched_cpu* sched, uint32_t cpus) {
    if (sched->number != cpu_number()) {
        help_call(cpus);
        return;
    }
    if (sched->help_wanted == 0)
        timer_arm(&sched->help_timer, clock_now() + HELP_DELAY_NANOSECONDS);
    sched->help_wanted |= cpus;
}

/* Returns the CPUs that may run one of the ready threads in `queues` (one bit for each), other than
 * `first`. Looks at WAITING_MAX threads at most; if there are more, it assumes that any CPU may run
 * one of them. */
static uint32_t cpus_for_others(const struct sched_cpu* sched, uint64_t queues,
                                const struct list_node* first) {
    uint32_t cpus = 0;
    unsigned looked_at = 0;
    for (uint64_t left = sched->ready_bitmap & queues; left != 0; left &= left - 1) {
        LIST_FOR_EACH(node, &sched->queues[__builtin_ctzl(left)]) {
            if (node == first)
                continue;
            if (++looked_at == WAITING_MAX)
                return UINT32_MAX;
            cpus |= LIST_ENTRY(node, struct thread, run_node)->affinity;
        }
    }
    return cpus;
}

void help_equals_locked(struct sched_cpu* sched) {
    const struct thread* running = sched->running;
    help_locked(sched, running->affinity | cpus_for_others(sched, 1ul << running->priority, NULL));
}

void help_ready_locked(struct sched_cpu* sched) {
    help_locked(sched, cpus_for_others(sched, UINT64_MAX, NULL));
}

/* Returns early in the usual case, that no CPU is idle. */
void help_all_but_first_locked(struct sched_cpu* sched, uint64_t queues) {
    if (atomic_load_explicit(&idle_cpus, memory_order_relaxed) == 0)
        return;
    const struct list_node* first = sched->queues[queue_most_urgent(sched->ready_bitmap)].head.next;
    help_locked(sched, cpus_for_others(sched, queues, first));
}

/* The lock is held from the look at the queue to the call: a thread that is queued later starts the
 * timer again. */
void help_is_due(struct timer* timer) {
    struct sched_cpu* sched = CONTAINER_OF(timer, struct sched_cpu, help_timer);
    spin_lock(&sched->lock);
    uint32_t wanted = sched->help_wanted;
    sched->help_wanted = 0;
    if (sched->ready_bitmap != 0)
        help_call(wanted);
    spin_unlock(&sched->lock);
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Takes the bookmark out of the queue. Returns the node at which the look goes on in the most
 * urgent queue that is left; NULL: at the head. */
static struct list_node* take_bookmark_locked(struct sched_cpu* victim, struct sched_cpu* here) {
    struct list_node* next = here->idle->run_node.next;
    if (!next)
        return NULL;
    uint64_t priority = queue_most_urgent(here->look.queues_left);
    queue_remove(victim, here->idle);
    return victim->ready_bitmap >> priority & 1 ? next : NULL;
}

/* Returns the most urgent thread that may run on `here`, if there is one among the next *left
 * threads. Subtracts the number of threads that it has seen from *left. 0: there may be more
 * threads. */
static struct thread* look_for_thread_locked(struct sched_cpu* victim, struct sched_cpu* here,
                                             unsigned* left) {
    struct look* look = &here->look;
    struct list_node* node = take_bookmark_locked(victim, here);
    uint64_t queues;
    while ((queues = victim->ready_bitmap & look->queues_left) != 0) {
        uint64_t priority = queue_most_urgent(queues);
        struct list* queue = &victim->queues[priority];
        for (node = node ? node : queue->head.next; node != &queue->head; node = node->next) {
            struct thread* thread = LIST_ENTRY(node, struct thread, run_node);
            if (thread->affinity & here->mask)
                return thread;
            if (--*left == 0) {
                list_insert_before(node->next, &here->idle->run_node);
                look->queues_left = (2ul << priority) - 1;
                return NULL;
            }
        }
        node = NULL;
        look->queues_left = (1ul << priority) - 1;
    }
    return NULL;
}

/* Looks at one CPU's ready threads, and takes the thread that it finds out of the queue. The thread
 * is MOVING from then on: no other CPU touches it, so the lock can be dropped. An empty queue is
 * read under the lock too. A plain read could miss a thread that was queued by code that missed the
 * bit of this CPU (help.h, step 2). */
static struct thread* look_at(struct sched_cpu* victim, struct sched_cpu* here, unsigned* left) {
    interrupt_state_t state = spin_lock_irqsave(&victim->lock);
    struct thread* found = look_for_thread_locked(victim, here, left);
    if (found) {
        queue_remove(victim, found);
        found->state = THREAD_MOVING;
    }
    spin_unlock_irqrestore(&victim->lock, state);
    return found;
}

/* Begins at the first CPU. The last look may have ended early and left its bookmark in a queue. */
static void begin_look(struct sched_cpu* here) {
    struct look* look = &here->look;
    if (look->victim) {
        interrupt_state_t state = spin_lock_irqsave(&look->victim->lock);
        (void)take_bookmark_locked(look->victim, here);
        spin_unlock_irqrestore(&look->victim->lock, state);
    }
    look->call |= atomic_exchange(&here->called, 0);
    look->turn = 1;
    look->victim = NULL;
}

/* The bookmark is in no queue: it was taken out when the last piece began. */
static void finish_look(struct sched_cpu* here) {
    here->look.turn = 0;
    here->look.victim = NULL;
    pass_call_on(here);
}

/* Queues a thread that look_at found. Its affinity may have changed meanwhile: then it goes to
 * another CPU. */
static void take_thread(struct sched_cpu* here, struct thread* thread,
                        void (*place)(struct thread*)) {
    interrupt_state_t state = spin_lock_irqsave(&here->lock);
    bool is_allowed = sched_move_locked(thread, here);
    if (is_allowed)
        queue_push(here, thread, false);
    spin_unlock_irqrestore(&here->lock, state);
    if (!is_allowed) /* the affinity changed meanwhile */
        place(thread);
}

/* One piece: at most LOOK_THREADS_MAX threads. Only one run queue lock is held at a time. */
bool help_others(struct sched_cpu* here, void (*place)(struct thread*)) {
    struct look* look = &here->look;
    if (look->turn == 0)
        begin_look(here);
    unsigned left = LOOK_THREADS_MAX;
    for (; look->turn < cpu_count(); look->turn++) {
        struct sched_cpu* victim = &sched_cpus[(here->number + look->turn) % cpu_count()];
        if (look->victim != victim)
            look->queues_left = UINT64_MAX;
        look->victim = victim;
        struct thread* thread = look_at(victim, here, &left);
        if (thread) {
            take_thread(here, thread, place);
            finish_look(here);
            return true;
        }
        if (left == 0)
            return true;
    }
    finish_look(here);
    return atomic_load(&here->called) != 0;
}

/* The call of a CPU that found work elsewhere, or got work of its own, goes to the next CPU
 * (help.h, step 4). */
void help_pass_call_on(struct sched_cpu* here) {
    here->look.call |= atomic_exchange(&here->called, 0);
    pass_call_on(here);
}
