/* User threads. While a user thread runs, its object has one more reference, which on_exit drops.
 */
#include <task/user_thread.h>

#include <abi/errors.h>
#include <arch/layout.h>
#include <debug/panic.h>
#include <mm/slab.h>
#include <task/process.h>

static struct slab_cache user_thread_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(user_thread_cache, "user thread", sizeof(struct user_thread));
static const struct object_ops user_thread_ops;

/* The first code of the thread. A kill after the check below takes effect on the way to user
 * mode. */
static void enter_user_mode(void* argument) {
    const struct user_thread* thread = argument;
    if (thread_is_killed(thread_current()))
        return;
    context_enter_user(thread->start.entry, thread->start.stack, thread->argument1,
                       thread->argument2);
}

/* The last code of the thread. The thread gives up its address space here, although the CPU still
 * has it loaded. The release below may be the last one; then it also unloads the address space.
 *
 * Preemption is off while the three fields change, so the scheduler never sees only some of
 * them. */
static void user_thread_on_exit(struct thread* thread) {
    struct user_thread* user_thread = thread->owner;
    process_thread_ended(user_thread->process, user_thread);
    object_update_signals(&user_thread->object, 0, ZX_THREAD_TERMINATED);
    preempt_disable();
    thread->aspace = NULL;
    thread->owner = NULL;
    thread->process = NULL;
    preempt_enable();
    object_release(&user_thread->object);
}

/* The state is checked and the thread added in one lock hold. So the end of the process either
 * finds the thread in the list, or the join fails. */
static zx_status_t join_process(struct user_thread* thread) {
    struct process* process = thread->process;
    zx_status_t status = ZX_OK;
    spin_lock(process->object.lock);
    if (process->state >= PROCESS_DYING) {
        status = ZX_ERR_BAD_STATE;
    } else if (process->thread_count == PROCESS_MAX_THREADS) {
        status = ZX_ERR_NO_RESOURCES;
    } else {
        list_push_back(&process->threads, &thread->process_node);
        process->thread_count++;
    }
    spin_unlock(process->object.lock);
    return status;
}

zx_status_t user_thread_create(struct process* process, const char* name,
                               struct user_thread** out) {
    struct user_thread* thread = slab_alloc_zeroed(&user_thread_cache);
    if (!thread)
        return ZX_ERR_NO_MEMORY;
    zx_status_t status = ZX_ERR_NO_MEMORY;
    thread->thread = thread_create(name, enter_user_mode, thread, THREAD_PRIORITY_DEFAULT);
    if (!thread->thread)
        goto free_object;
    while (!context_fpu_create(&thread->thread->context))
        if (thread_bury_some() == 0)
            goto release_thread;
    thread->process = process;
    thread->thread->aspace = process->aspace;
    thread->thread->owner = thread;
    thread->thread->process = process;
    thread->thread->on_exit = user_thread_on_exit;
    object_reference(&process->object);
    /* Before join_process: from there on other threads may find the object. */
    object_init(&thread->object, &user_thread_ops, NULL, 0);
    status = join_process(thread);
    if (status == ZX_OK)
        *out = thread;
    else
        object_release(&thread->object);
    return status;

release_thread:
    thread_release(thread->thread);
free_object:
    slab_free(&user_thread_cache, thread);
    return status;
}

/* From here on the thread counts as running. So if it is killed before it begins to run, the
 * process ends with it. */
zx_status_t user_thread_claim(struct user_thread* thread, const struct start_place* start,
                              enum process_state state) {
    struct process* process = thread->process;
    zx_status_t status = ZX_OK;
    spin_lock(process->object.lock);
    if (process->state != state || thread->is_started) {
        status = ZX_ERR_BAD_STATE;
    } else if (start->entry >= USER_ADDRESS_END || start->stack >= USER_ADDRESS_END) {
        status = ZX_ERR_INVALID_ARGS;
    } else {
        process->state = PROCESS_RUNNING;
        process->running_count++;
        thread->is_started = true;
        thread->start = *start;
        object_reference(&thread->object);
    }
    spin_unlock(process->object.lock);
    return status;
}

static void run(struct user_thread* thread, uint64_t argument1, uint64_t argument2) {
    thread->argument1 = argument1;
    thread->argument2 = argument2;
    thread_start(thread->thread);
}

/* The table has no room only if another thread of the process has filled it meanwhile. If the
 * process was killed in between, the table closes the handle with the rest. */
bool user_thread_run_with_handle(struct user_thread* thread, struct handle argument,
                                 uint64_t argument2) {
    zx_handle_t value = ZX_HANDLE_INVALID;
    bool is_added = handle_table_add(&thread->process->handles, argument, &value) == ZX_OK;
    run(thread, (uint64_t)value, argument2);
    return is_added;
}

zx_status_t user_thread_start(struct user_thread* thread, const struct start_place* start,
                              uint64_t argument1, uint64_t argument2) {
    preempt_disable(); /* a kill waits for the new thread, not for this caller to be scheduled */
    zx_status_t status = user_thread_claim(thread, start, PROCESS_RUNNING);
    if (status == ZX_OK)
        run(thread, argument1, argument2);
    preempt_enable();
    return status;
}

/* A thread that was not started is marked as started, so it never can be. */
void user_thread_kill(struct user_thread* thread) {
    spin_lock(thread->process->object.lock);
    bool was_started = thread->is_started;
    thread->is_started = true;
    spin_unlock(thread->process->object.lock);
    if (was_started)
        thread_kill(thread->thread);
    else
        object_update_signals(&thread->object, 0, ZX_THREAD_TERMINATED);
}

static void user_thread_destroy(struct object* object) {
    struct user_thread* thread = user_thread_from(object);
    struct process* process = thread->process;
    process_remove_thread(process, thread);
    thread_release(thread->thread);
    object_release(&process->object);
    slab_free(&user_thread_cache, thread);
}

static zx_koid_t user_thread_related_koid(const struct object* object) {
    return CONTAINER_OF(object, struct user_thread, object)->process->object.koid;
}

static char* user_thread_name(struct object* object) {
    return user_thread_from(object)->thread->name;
}

static const struct object_ops user_thread_ops = {
    .type = ZX_OBJ_TYPE_THREAD,
    .name = "thread",
    .default_rights = ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_DESTROY |
                      ZX_RIGHT_SIGNAL | ZX_RIGHT_MANAGE_THREAD,
    .user_signals = ZX_USER_SIGNAL_ALL,
    .destroy = user_thread_destroy,
    .related_koid = user_thread_related_koid,
    .name_buffer = user_thread_name,
};
