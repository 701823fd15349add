#include <task/process.h>

#include <abi/errors.h>
#include <debug/console.h>
#include <debug/emergency_console.h>
#include <debug/log.h>
#include <debug/panic.h>
#include <lib/string.h>
#include <lib/units.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <object/handle_list.h>
#include <sched/cleaner.h>

#define KILLS_AT_ONCE 32u /* threads killed in one hold of the process's lock */
#define FATAL_IS_DONE UINT32_MAX

static struct slab_cache process_cache =
    SLAB_CACHE_INITIALIZER(process_cache, "process", sizeof(struct process));
static const struct object_ops process_ops;

/* --- policy ----------------------------------------------------------------------------------- */

static void log_policy(const struct process* process, uint32_t condition) {
    log_error("process '%s' (%lu): ended by its job's policy on %s", process->name,
              process->object.koid, policy_condition_name(condition));
}

/* Called by failed handle look-ups, with locks held, so the thread cannot end here. It ends before
 * it returns to user mode; process_thread_ended then ends the process. */
static void note_handle_fault(struct handle_table* table, zx_status_t status) {
    struct process* process = CONTAINER_OF(table, struct process, handles);
    uint32_t condition = status == ZX_ERR_BAD_HANDLE ? ZX_POL_BAD_HANDLE : ZX_POL_WRONG_OBJECT;
    if (status != ZX_ERR_BAD_HANDLE && status != ZX_ERR_WRONG_TYPE)
        return;
    if (!policy_action_kills(policy_action(process->policy, condition)))
        return;
    uint32_t none = 0;
    (void)atomic_compare_exchange_strong(&process->fatal_condition, &none, condition + 1);
    atomic_fetch_or(&thread_current()->context.pending_work, THREAD_PENDING_KILL);
}

/* Called before another thread knows the process. */
static void apply_policy(struct process* process) {
    struct policy policy = process->policy;
    if (policy_action(policy, ZX_POL_VMAR_WX) == ZX_POL_ACTION_ALLOW)
        aspace_allow_wx(process->aspace);
    if (policy_action_kills(policy_action(policy, ZX_POL_BAD_HANDLE)) ||
        policy_action_kills(policy_action(policy, ZX_POL_WRONG_OBJECT)))
        process->handles.on_fault = note_handle_fault;
}

zx_status_t process_check_policy_set(const struct process* process, uint32_t condition) {
    uint32_t action = policy_action(process->policy, condition);
    if (policy_action_kills(action)) {
        log_policy(process, condition);
        process_exit_current(PROCESS_RETURN_CODE_POLICY);
    }
    return action == ZX_POL_ACTION_ALLOW ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

/* --- life ------------------------------------------------------------------------------------ */

zx_status_t process_create(struct job* job, const char* name, struct process** out) {
    struct process* process = slab_alloc_zeroed(&process_cache);
    if (!process)
        return ZX_ERR_NO_MEMORY;
    list_init(&process->threads);
    strlcpy(process->name, name, sizeof(process->name));
    zx_status_t status = handle_table_init(&process->handles);
    if (status != ZX_OK)
        goto free_process;
    status = aspace_create(&process->aspace);
    if (status != ZX_OK)
        goto destroy_handles;
    object_init(&process->object, &process_ops, NULL, 0);
    process->member.object = &process->object;
    object_reference(&job->object);
    process->job = job;
    status = job_join(job, &job->processes, &process->member, &process->policy);
    if (status != ZX_OK) {
        object_release(&process->object);
        return status;
    }
    apply_policy(process);
    *out = process;
    return ZX_OK;

destroy_handles:
    handle_table_destroy(&process->handles);
free_process:
    slab_free(&process_cache, process);
    return status;
}

/* --- death -------------------------------------------------------------------------------------
 */

/* No thread runs, so no handle or mapping is in use. All mappings are removed before the handles
 * are closed, so no object has a window left to unmap. True: there is more. */
static bool let_go_some(struct process* process, int64_t* units) {
    return aspace_unmap_some(process->aspace, units) ||
           handle_table_close_some(&process->handles, units);
}

static void become_dead(struct process* process) {
    job_leave(process->job, &process->job->processes, &process->member);
    spin_lock(process->object.lock);
    process->state = PROCESS_DEAD;
    object_update_signals_locked(&process->object, 0, ZX_PROCESS_TERMINATED);
    spin_unlock(process->object.lock);
}

/* Does a piece of the work. The memory that was mapped is freed last, because that takes longest,
 * and other threads may wait for the objects to end. False: the work is done and the process is
 * dead. */
static bool finish_some(struct process* process) {
    int64_t units = UNITS_PER_PIECE;
    object_gather_begin(&process->garbage);
    bool has_more = let_go_some(process, &units) ||
                    object_destroy_some(&process->garbage, &units) ||
                    aspace_free_some_mappings(process->aspace, &units) ||
                    object_destroy_some(&process->garbage, &units);
    object_gather_end();
    if (!has_more)
        become_dead(process);
    return has_more;
}

static bool finish_next(struct cleaning* cleaning);
static struct cleaning finishing = CLEANING_INITIALIZER(finish_next);
/* Class LEAF. Guards the list `unfinished`. */
static struct spinlock unfinished_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
static struct list unfinished = LIST_INITIALIZER(unfinished); /* each with a reference */

static void finish_later(struct process* process) {
    interrupt_state_t state = spin_lock_irqsave(&unfinished_lock);
    list_push_back(&unfinished, &process->cleanup_node);
    spin_unlock_irqrestore(&unfinished_lock, state);
}

static struct process* take_unfinished(void) {
    interrupt_state_t state = spin_lock_irqsave(&unfinished_lock);
    struct list_node* node = list_pop_front(&unfinished);
    spin_unlock_irqrestore(&unfinished_lock, state);
    return node ? LIST_ENTRY(node, struct process, cleanup_node) : NULL;
}

/* The processes take turns, so that a large one does not hold up the others. */
static bool finish_next(struct cleaning* unused) {
    struct process* process = take_unfinished();
    (void)unused;
    if (!process)
        return false;
    if (finish_some(process)) {
        finish_later(process);
        return true;
    }
    struct destroy_list last = {NULL, NULL}; /* perhaps the process itself, which may be large */
    object_gather_begin(&last);
    object_release(&process->object);
    object_gather_end();
    object_leave_to_cleaner(&last);
    return true;
}

static void leave_to_cleaner(struct process* process) {
    object_reference(&process->object);
    finish_later(process);
    cleaner_request(&finishing);
}

/* Ends a process. This runs once: in the last thread or, if no thread runs, in the caller that set
 * the state to DYING. A killed thread is more urgent than all programs. So it does one piece, which
 * is enough for a small process, and leaves the rest to the cleaner. */
static void finish_process(struct process* process) {
    while (finish_some(process))
        if (thread_is_killed(thread_current())) {
            leave_to_cleaner(process);
            return;
        }
    object_collect_if_due();
}

/* Kills the next `count` threads. Each thread moves to the end of the list, so the next call
 * continues with other threads. No thread joins the list any more. A thread that leaves the list
 * meanwhile has cleaned up. */
static void kill_some(struct process* process, uint32_t count) {
    spin_lock(process->object.lock);
    for (; count > 0 && !list_is_empty(&process->threads); count--) {
        struct list_node* node = list_pop_front(&process->threads);
        struct user_thread* thread = LIST_ENTRY(node, struct user_thread, process_node);
        list_push_back(&process->threads, node);
        if (thread->is_started)
            thread_kill(thread->thread);
    }
    spin_unlock(process->object.lock);
}

/* The threads of a process that is already ending are killed too. Otherwise they might not be
 * scheduled for a long time. */
void process_kill(struct process* process, int64_t return_code) {
    spin_lock(process->object.lock);
    bool is_first = process->state < PROCESS_DYING;
    if (is_first) {
        process->state = PROCESS_DYING;
        process->return_code = return_code;
    }
    bool must_finish = is_first && process->running_count == 0;
    uint32_t left = process->thread_count;
    spin_unlock(process->object.lock);
    for (; left > 0; left -= MIN(left, KILLS_AT_ONCE))
        kill_some(process, MIN(left, KILLS_AT_ONCE));
    if (must_finish && thread_is_killed(thread_current()))
        leave_to_cleaner(process); /* the caller may be killing thousands of processes */
    else if (must_finish)
        finish_process(process);
}

void process_exit_current(int64_t return_code) {
    process_kill(process_current(), return_code);
    thread_exit_current();
}

/* Returns a member of the job with a reference; NULL: there are no more. *left counts the members
 * that this kill has not yet found. A member that was found moves to the end of the list, so the
 * next call finds another one. A member without references is being destroyed, and is skipped. */
static struct object* next_member(struct job* job, struct job_members* members, uint32_t* left) {
    struct object* found = NULL;
    spin_lock(job->object.lock);
    while (*left > 0 && !found && !list_is_empty(&members->list)) {
        struct list_node* node = list_pop_front(&members->list);
        list_push_back(&members->list, node);
        (*left)--;
        struct object* object = LIST_ENTRY(node, struct job_member, node)->object;
        if (object_try_reference(object))
            found = object;
    }
    spin_unlock(job->object.lock);
    return found;
}

/* JOB_MAX_DEPTH limits the recursion. No lock is held while a member is killed, because no thread
 * may hold two locks of one class. */
void job_kill(struct job* job) {
    spin_lock(job->object.lock);
    job->is_dying = true; /* from here on nothing can be added */
    uint32_t left = job->processes.count;
    spin_unlock(job->object.lock);
    struct object* victim;
    while ((victim = next_member(job, &job->processes, &left))) {
        process_kill(process_from(victim), ZX_ERR_CANCELED);
        object_release(victim);
    }
    left = job->children.count;
    while ((victim = next_member(job, &job->children, &left))) {
        job_kill(job_from(victim));
        object_release(victim);
    }
}

void process_remove_thread(struct process* process, struct user_thread* thread) {
    spin_lock(process->object.lock);
    if (list_node_is_linked(&thread->process_node)) {
        list_remove(&thread->process_node);
        process->thread_count--;
    }
    spin_unlock(process->object.lock);
}

/* The first thread that ends after the fault ends the process. There may be very many threads. The
 * exchange lets only the first one call process_kill. */
static void obey_policy(struct process* process) {
    uint32_t fatal = atomic_exchange(&process->fatal_condition, FATAL_IS_DONE);
    if (fatal == FATAL_IS_DONE)
        return;
    log_policy(process, fatal - 1);
    process_kill(process, PROCESS_RETURN_CODE_POLICY);
}

/* For user_thread.c: the thread has left user mode for good. The last thread stays in the list
 * while it cleans up. So a kill of the process finds the thread, and makes it urgent. */
void process_thread_ended(struct process* process, struct user_thread* thread) {
    /* relaxed: the thread whose look-up failed has set it itself */
    if (atomic_load_explicit(&process->fatal_condition, memory_order_relaxed))
        obey_policy(process);
    spin_lock(process->object.lock);
    bool is_last = --process->running_count == 0;
    if (is_last)
        process->state = PROCESS_DYING;
    spin_unlock(process->object.lock);
    if (is_last)
        finish_process(process);
    process_remove_thread(process, thread);
}

/* The process was never started, or is dead. A dead process has cleaned up already. */
static bool process_destroy_some(struct object* object, int64_t* units) {
    struct process* process = process_from(object);
    ASSERT(list_is_empty(&process->threads));
    if (process->state != PROCESS_DEAD &&
        (let_go_some(process, units) || aspace_free_some_mappings(process->aspace, units)))
        return true;
    if (handle_table_destroy_some(&process->handles, units))
        return true;
    if (process->state != PROCESS_DEAD)
        job_leave(process->job, &process->job->processes, &process->member);
    aspace_release(process->aspace);
    object_release(&process->job->object);
    slab_free(&process_cache, process);
    return false;
}

static zx_koid_t process_related_koid(const struct object* object) {
    return CONTAINER_OF(object, struct process, object)->job->object.koid;
}

static char* process_name(struct object* object) {
    return process_from(object)->name;
}

static const struct object_ops process_ops = {
    .type = ZX_OBJ_TYPE_PROCESS,
    .name = "process",
    .default_rights = ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_ENUMERATE |
                      ZX_RIGHT_DESTROY | ZX_RIGHT_SIGNAL | ZX_RIGHT_MANAGE_PROCESS |
                      ZX_RIGHT_MANAGE_THREAD,
    .user_signals = ZX_USER_SIGNAL_ALL,
    .destroy_some = process_destroy_some,
    .related_koid = process_related_koid,
    .name_buffer = process_name,
};

/* --- for the debugger ---------------------------------------------------------------------------
 */

void panic_describe_thread(void) {
    const struct thread* thread = thread_current();
    if (!thread)
        return;
    console_printf("thread '%s'", thread->name);
    if (thread->process)
        console_printf(" of process '%s'", thread->process->name);
    console_printf("\n");
}

/* Returns the process if `thread` is its first thread, else NULL. So each process is printed
 * once. */
static const struct process* process_of_first(const struct thread* thread) {
    const struct user_thread* user_thread = thread->owner;
    if (!user_thread || list_first(&user_thread->process->threads) != &user_thread->process_node)
        return NULL;
    return user_thread->process;
}

static void print_process(const struct thread* thread) {
    const struct process* process = process_of_first(thread);
    if (process)
        console_printf("  %-24s koid %lu  %u threads  %u handles\n", process->name,
                       process->object.koid, process->thread_count,
                       process->handles.slot_count - process->handles.free_count);
}

static void print_process_with_handles(const struct thread* thread) {
    print_process(thread);
    const struct process* process = process_of_first(thread);
    if (process)
        handle_table_print(&process->handles);
}

DEBUG_COMMAND(processes, "every process with a thread") {
    thread_visit_all(print_process);
}

DEBUG_COMMAND(handles, "the handles of every process with a thread") {
    thread_visit_all(print_process_with_handles);
}
