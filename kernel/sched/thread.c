#include <sched/thread.h>

#include <abi/errors.h>
#include <arch/backtrace.h>
#include <arch/interrupt.h>
#include <arch/turns.h>
#include <arch/upcalls.h>
#include <debug/console.h>
#include <debug/emergency_console.h>
#include <debug/panic.h>
#include <debug/symbols.h>
#include <lib/string.h>
#include <mm/kernel_stack.h>
#include <mm/slab.h>
#include <sched/cleaning.h>
#include <sched/park.h>
#include <sched/sched.h>
#include <sched/sched_cpu.h>
#include <sched/sched_internal.h>

_Static_assert(offsetof(struct thread, context) == 0, "arch finds it there");
_Static_assert(offsetof(struct thread_context, pending_work) == CONTEXT_PENDING_WORK,
               "the system call exit looks there");

static struct slab_cache thread_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(thread_cache, "thread", sizeof(struct thread));
static struct thread idle_threads[CPU_MAX];

static struct spinlock all_lock = SPINLOCK_INITIALIZER(LOCK_WAIT_QUEUE);
static struct list all_threads = LIST_INITIALIZER(all_threads); /* under all_lock */
static size_t all_count;

/* A thread that waits for the end of another one. Lies on the waiter's stack. Not even a kill ends
 * this wait. */
struct joiner {
    struct list_node node;
    struct thread* thread;
};
static struct spinlock join_lock = SPINLOCK_INITIALIZER(LOCK_WAIT_QUEUE);
static struct list joiners = LIST_INITIALIZER(joiners); /* under join_lock */

/* --- life ------------------------------------------------------------------------------------ */

static void thread_init(struct thread* thread, const char* name, uint32_t priority) {
    memset(thread, 0, sizeof(*thread));
    thread->references = 1;
    thread->priority = priority;
    thread->affinity = UINT32_MAX;
    thread->sched = sched_of(cpu_number());
    strlcpy(thread->name, name, sizeof(thread->name));
}

static struct thread* adopt_idle(uint32_t cpu) {
    struct thread* thread = &idle_threads[cpu];
    thread_init(thread, "idle", 0);
    thread->state = THREAD_RUNNING;
    thread->affinity = 1u << cpu;
    thread->queued_as = QUEUED_AS_BOOKMARK;
    return thread;
}

/* The reason first, then the claim: park.c, race 3. */
static void park_timed_out(struct timer* timer) {
    struct thread* thread = CONTAINER_OF(timer, struct thread, park_timer);
    uint32_t expected = PARK_KILLABLE;
    atomic_store(&thread->has_timed_out, true);
    turn_point();
    if (atomic_compare_exchange_strong(&thread->park, &expected, PARK_NONE))
        sched_wake(thread);
}

struct thread* thread_create(const char* name, void (*entry)(void*), void* argument,
                             uint32_t priority) {
    struct thread* thread = slab_alloc(&thread_cache);
    void* stack_top = thread ? kernel_stack_alloc() : NULL;
    if (!stack_top) {
        if (thread)
            slab_free(&thread_cache, thread);
        return NULL;
    }
    thread_init(thread, name, priority);
    thread->stack_top = stack_top;
    timer_init(&thread->park_timer, park_timed_out);
    context_init(&thread->context, stack_top, entry, argument);
    interrupt_state_t state = spin_lock_irqsave(&all_lock);
    list_push_back(&all_threads, &thread->all_node);
    all_count++;
    spin_unlock_irqrestore(&all_lock, state);
    return thread;
}

/* From here on the running thread itself holds a reference; reap drops it. */
void thread_start(struct thread* thread) {
    ASSERT(thread->state == THREAD_INITIAL);
    thread_reference(thread);
    thread->state = THREAD_BLOCKED; /* no other CPU knows the thread yet, so it counts as claimed */
    preempt_disable();
    sched_wake(thread);
    preempt_enable();
}

void thread_reference(struct thread* thread) {
    atomic_fetch_add_explicit(&thread->references, 1, memory_order_relaxed);
}

static bool trim_stacks(struct cleaning* unused) {
    (void)unused;
    return kernel_stack_trim_batch();
}

static struct cleaning stack_cleaning = CLEANING_INITIALIZER(trim_stacks);

/* Unmapping a stack interrupts all CPUs. So that is left to the cleaner, which unmaps many at once.
 */
static void free_stack(void* stack_top) {
    if (kernel_stack_free(stack_top))
        cleaner_request(&stack_cleaning);
}

/* Acquire and release order: the thread that drops the last reference sees all that others did to
 * the thread before. */
void thread_release(struct thread* thread) {
    if (atomic_fetch_sub_explicit(&thread->references, 1, memory_order_acq_rel) > 1)
        return;
    interrupt_state_t state = spin_lock_irqsave(&all_lock);
    list_remove(&thread->all_node);
    all_count--;
    spin_unlock_irqrestore(&all_lock, state);
    context_fpu_destroy(&thread->context);
    if (thread->stack_top)
        free_stack(thread->stack_top);
    slab_free(&thread_cache, thread);
}

/* From the moment the state is DEAD the lock stays held until the CPU has left this stack
 * (sched_bury_or_place). So the thread cannot be buried too early. */
void thread_exit_current(void) {
    struct thread* thread = thread_current();
    if (thread->on_exit)
        thread->on_exit(thread);
    lock_order_assert_none_held();
    interrupts_disable();
    struct sched_cpu* sched = this_cpu()->sched;
    spin_lock_inner(&sched->lock);
    thread->state = THREAD_DEAD;
    sched_switch_and_unlock(sched);
    panic("a dead thread was run");
}

void thread_entry_returned(void) {
    thread_exit_current();
}

/* Only this CPU touches its list, so interrupts off is enough. */
static struct thread* take_dead(void) {
    interrupt_state_t state = interrupts_save_and_disable();
    struct list_node* node = list_pop_front(&this_cpu()->sched->dead);
    interrupts_restore(state);
    return node ? LIST_ENTRY(node, struct thread, run_node) : NULL;
}

/* Wakes all joiners: each checks whether its own thread is the one. Under the lock, so a joiner
 * cannot miss this between its check and its park. */
static void wake_joiners(struct thread* dead) {
    struct list_node* node;
    interrupt_state_t state = spin_lock_irqsave(&join_lock);
    atomic_store(&dead->is_reaped, true);
    while ((node = list_pop_front(&joiners)))
        thread_unpark(LIST_ENTRY(node, struct joiner, node)->thread);
    spin_unlock_irqrestore(&join_lock, state);
}

/* Buries the dead threads of this CPU. The stack is freed at once, before the last reference goes:
 * only the running thread needed it.
 *
 * Threads that are woken here may run before the loop goes on, here or on another CPU, and more
 * threads may die meanwhile. The loop takes them all. `is_reaping` keeps a switch back to this
 * thread from starting a second loop on the same stack. */
static void reap(void) {
    struct thread* self = thread_current();
    struct thread* thread;
    if (self->is_reaping)
        return;
    bool was_handing_over = self->is_handing_over;
    self->is_handing_over = false; /* the joiners it wakes must not become its successors */
    self->is_reaping = true;
    while ((thread = take_dead())) {
        free_stack(thread->stack_top);
        thread->stack_top = NULL;
        wake_joiners(thread);
        thread_release(thread);
    }
    self->is_reaping = false;
    self->is_handing_over = was_handing_over;
}

void thread_reap_here(void) {
    preempt_disable();
    reap();
    preempt_enable();
}

void thread_init_cpu(void) {
    sched_init_cpu(adopt_idle(cpu_number()), reap);
}

/* No wake is lost: the joiner looks at `is_reaped` and joins the list in one lock hold;
 * wake_joiners sets the flag and empties the list in one. */
void thread_join(struct thread* thread) {
    struct joiner self = {.thread = thread_current()};
    for (;;) {
        interrupt_state_t state = spin_lock_irqsave(&join_lock);
        bool must_wait = !atomic_load(&thread->is_reaped);
        if (must_wait && !list_node_is_linked(&self.node))
            list_push_back(&joiners, &self.node);
        else if (!must_wait && list_node_is_linked(&self.node))
            list_remove(&self.node);
        spin_unlock_irqrestore(&join_lock, state);
        if (!must_wait)
            return;
        thread_park_uninterruptible();
    }
}

/* --- kill, priority, affinity ----------------------------------------------------------------- */

/* Race 3 of park.c: pending_work is set first, then the thread is claimed if it waits. A thread
 * that runs in user mode on another CPU is interrupted instead. */
void thread_kill(struct thread* thread) {
    uint32_t expected = PARK_KILLABLE;
    preempt_disable();
    atomic_fetch_or(&thread->context.pending_work, THREAD_PENDING_KILL);
    turn_point();
    if (thread != thread_current())
        sched_change_priority(thread, THREAD_PRIORITY_SYSTEM);
    if (atomic_compare_exchange_strong(&thread->park, &expected, PARK_NONE)) {
        sched_wake(thread);
    } else {
        uint32_t cpu = __atomic_load_n(&thread->sched, __ATOMIC_RELAXED)->number;
        if (cpu != cpu_number())
            ipi_reschedule(cpu); /* it looks at pending_work on its way back to user mode */
    }
    preempt_enable();
}

/* A kill takes effect here, on the way back to user mode, where the thread holds nothing. */
void thread_return_to_user(void) {
    if (thread_is_killed(thread_current()))
        thread_exit_current();
}

/* The flag first: a kill that comes afterwards sees it in priority_due, and gives this priority,
 * not a higher one. */
void thread_begin_cleaning_up(void) {
    struct thread* thread = thread_current();
    atomic_store(&thread->is_cleaning_up, true);
    if (__atomic_load_n(&thread->priority, __ATOMIC_SEQ_CST) > THREAD_PRIORITY_USER_MAX)
        sched_change_priority(thread, THREAD_PRIORITY_USER_MAX);
}

void thread_set_priority(struct thread* thread, uint32_t priority) {
    ASSERT(priority < THREAD_PRIORITY_COUNT);
    sched_change_priority(thread, priority);
}

/* The mask is written before the thread's CPU is looked at: see sched_move_locked. */
zx_status_t thread_set_affinity(struct thread* thread, uint32_t cpu_mask) {
    uint32_t online = (uint32_t)((1ul << cpu_count()) - 1);
    if (!(cpu_mask & online))
        return ZX_ERR_INVALID_ARGS;
    __atomic_store_n(&thread->affinity, cpu_mask, __ATOMIC_RELAXED);
    sched_apply_affinity(thread);
    return ZX_OK;
}

/* --- all of them ------------------------------------------------------------------------------ */

void thread_visit_all(void (*visit)(const struct thread* thread)) {
    LIST_FOR_EACH(node, &all_threads)
    visit(LIST_ENTRY(node, struct thread, all_node));
}

size_t thread_count(void) {
    return all_count;
}

static void print_thread(const struct thread* thread) {
    static const char* const states[] = {"initial", "ready",  "running",
                                         "blocked", "moving", "dead"};
    console_printf("  %-24s %-8s cpu %u  priority %2u  %s%s\n", thread->name, states[thread->state],
                   thread->sched->number, thread->priority, thread->owner ? "user" : "kernel",
                   thread_is_killed(thread) ? "  killed" : "");
}

static void print_stack(const struct thread* thread) {
    if (thread->state == THREAD_RUNNING || !thread->stack_top)
        return;
    console_printf("  %s\n", thread->name);
    symbol_print_backtrace(backtrace_begin(&thread->context));
}

DEBUG_COMMAND(threads, "every thread: state, CPU, priority") {
    thread_visit_all(print_thread);
}

DEBUG_COMMAND(stacks, "where each thread is that does not run") {
    thread_visit_all(print_stack);
}
