#include <sched/thread.h>

#include <abi/errors.h>
#include <arch/backtrace.h>
#include <arch/clock.h>
#include <arch/interrupt.h>
#include <arch/preempt.h>
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
#include <sched/wait_queue.h>

_Static_assert(offsetof(struct thread, context) == 0, "arch finds it there");
_Static_assert(offsetof(struct thread_context, pending_work) == CONTEXT_PENDING_WORK,
               "the system call exit looks there");

static struct slab_cache thread_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(thread_cache, "thread", sizeof(struct thread));
static struct thread idle_threads[CPU_MAX];

static struct spinlock all_lock = SPINLOCK_INITIALIZER(LOCK_WAIT_QUEUE);
static struct list all_threads = LIST_INITIALIZER(all_threads); /* under all_lock */
static size_t all_count;

static struct wait_queue joiners = WAIT_QUEUE_INITIALIZER(joiners);
static _Atomic uint32_t joining; /* threads in thread_join */

/* Dead threads are buried by the cleaner: that takes locks and wakes other threads. It is woken
 * when this many are unburied, when a CPU becomes idle, or when a thread waits for a burial. At the
 * latest this is BURIAL_DELAY_NANOSECONDS after a death. To wake it for each dead thread would cost
 * a quarter of a thread's life. More at once would not fit into the magazines of the slab caches,
 * together with the threads that are made meanwhile. */
#define BURIALS_AT_ONCE 16u
#define BURIAL_DELAY_NANOSECONDS 10000000l
/* The cleaner may work only half of the time. If it falls behind, thread_create buries threads
 * too. */
#define UNBURIED_MAX (4 * BURIALS_AT_ONCE)
static struct spinlock dead_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
static struct thread* newest_dead; /* a list, by next_dead; under dead_lock */
static _Atomic uint32_t unburied;  /* threads in that list, or taken out of it */

/* --- life ------------------------------------------------------------------------------------ */

static void thread_init(struct thread* thread, const char* name, uint32_t priority) {
    memset(thread, 0, sizeof(*thread));
    thread->references = 1;
    thread->priority = priority;
    thread->affinity = UINT32_MAX;
    thread->sched = &sched_cpus[cpu_number()];
    strlcpy(thread->name, name, sizeof(thread->name));
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

/* Waits for no other thread: if memory is missing, it buries dead threads itself. */
struct thread* thread_create(const char* name, void (*entry)(void*), void* argument,
                             uint32_t priority) {
    if (atomic_load(&unburied) > UNBURIED_MAX)
        (void)thread_bury_some();
    struct thread* thread = slab_alloc(&thread_cache);
    while (!thread && thread_bury_some() > 0)
        thread = slab_alloc(&thread_cache);
    if (!thread)
        return NULL;
    void* stack_top = kernel_stack_alloc();
    while (!stack_top && thread_bury_some() > 0)
        stack_top = kernel_stack_alloc();
    if (!stack_top) {
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

/* From here on the thread itself holds a reference, until it is buried. */
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

/* Unmapping a stack interrupts all CPUs. So the cleaner does it, for many stacks at once. */
static void free_stack(void* stack_top) {
    if (kernel_stack_free(stack_top))
        cleaner_request(&stack_cleaning);
}

/* Acquire and release order: the code that drops the last reference sees all that other holders did
 * to the thread before. */
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

/* The stack is freed before the last reference is dropped: only the running thread needed it. All
 * joiners are woken, and each checks `is_buried` of its own thread. A joiner that is not counted in
 * `joining` yet sees `is_buried`. */
static void bury(struct thread* dead) {
    free_stack(dead->stack_top);
    dead->stack_top = NULL;
    atomic_store(&dead->is_buried, true);
    if (atomic_load(&joining) > 0)
        wait_queue_wake(&joiners, WAKE_ALL);
    thread_release(dead);
    atomic_fetch_sub(&unburied, 1);
}

/* Buries one dead thread. False: there are none. Preemption is off: otherwise a joiner could have
 * to wait until this thread, which may be less urgent, is scheduled again. */
static bool bury_one(void) {
    preempt_disable();
    interrupt_state_t state = spin_lock_irqsave(&dead_lock);
    struct thread* dead = newest_dead;
    if (dead)
        newest_dead = dead->next_dead;
    spin_unlock_irqrestore(&dead_lock, state);
    if (dead)
        bury(dead);
    preempt_enable();
    return dead;
}

unsigned thread_bury_some(void) {
    unsigned count = 0;
    while (count < BURIALS_AT_ONCE && bury_one())
        count++;
    return count;
}

static bool bury_piece(struct cleaning* unused) {
    (void)unused;
    return thread_bury_some() == BURIALS_AT_ONCE;
}

static struct cleaning burying = CLEANING_INITIALIZER(bury_piece);

static void bury_soon(void) {
    if (atomic_load(&unburied) > 0)
        cleaner_request(&burying);
}

static void burial_is_due(struct timer* timer);
static struct timer burial_timer = {.callback = burial_is_due};
static _Atomic bool is_burial_timer_armed;

/* Clears the flag, then looks for dead threads; bury_later adds a dead thread, then reads the flag.
 * So either this callback sees the new dead thread, or the timer is armed again. */
static void burial_is_due(struct timer* timer) {
    (void)timer;
    atomic_store(&is_burial_timer_armed, false);
    turn_point();
    bury_soon();
}

/* One timer for all CPUs. Only the CPU that sets the flag arms it, and it fires there. */
static void arm_burial_timer(void) {
    if (!atomic_load(&is_burial_timer_armed) && !atomic_exchange(&is_burial_timer_armed, true))
        timer_arm(&burial_timer, clock_now() + BURIAL_DELAY_NANOSECONDS);
}

/* Another thread may bury this one as soon as it is in the list. */
static void bury_later(struct thread* dead) {
    uint32_t count = atomic_fetch_add(&unburied, 1) + 1;
    interrupt_state_t state = spin_lock_irqsave(&dead_lock);
    dead->next_dead = newest_dead;
    newest_dead = dead;
    spin_unlock_irqrestore(&dead_lock, state);
    if (count >= BURIALS_AT_ONCE || atomic_load(&joining) > 0)
        cleaner_request(&burying);
    else
        arm_burial_timer();
}

void thread_init_cpu(void) {
    static const struct burial_ops burial_ops = {bury_later, bury_soon};
    struct thread* idle = &idle_threads[cpu_number()];
    thread_init(idle, "idle", 0);
    idle->state = THREAD_RUNNING;
    idle->affinity = this_cpu()->mask;
    idle->queued_as = QUEUED_AS_BOOKMARK;
    sched_init_cpu(idle, &burial_ops);
}

void thread_bury_all(void) {
    (void)cleaner_run_out(&burying);
}

static bool is_buried(void* thread) {
    return atomic_load(&((const struct thread*)thread)->is_buried);
}

/* No wake of the cleaner is lost. This function counts `joining`, then makes a request. A death
 * puts the thread into the list, then reads `joining`. So either this request finds the dead
 * thread, or the death makes a request. */
void thread_join(struct thread* thread) {
    atomic_fetch_add(&joining, 1);
    cleaner_request(&burying);
    wait_queue_wait_uninterruptible(&joiners, is_buried, thread);
    atomic_fetch_sub(&joining, 1);
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
            ipi_reschedule(cpu); /* that CPU checks pending_work on its way back to user mode */
    }
    preempt_enable();
}

/* A kill takes effect here, on the way back to user mode, where the thread holds nothing. */
void thread_return_to_user(void) {
    if (thread_is_killed(thread_current()))
        thread_exit_current();
}

void thread_set_priority(struct thread* thread, uint32_t priority) {
    ASSERT(priority < THREAD_PRIORITY_COUNT);
    sched_change_priority(thread, priority);
}

/* The mask is written before the thread's CPU is read: see sched_move_locked. */
zx_status_t thread_set_affinity(struct thread* thread, uint32_t cpu_mask) {
    if (!(cpu_mask & cpu_online_mask()))
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
