/* Jobs, processes and threads. */
#include <abi/errors.h>
#include <arch/context.h>
#include <mm/aspace.h>
#include <object/handle_transfer.h>
#include <sched/sched.h>
#include <task/job.h>
#include <task/process.h>
#include <task/user_thread.h>
#include <object/vmar_object.h>
#include <syscall/handle_helpers.h>
#include <syscalls/prototypes.h>

/* Reads a name: cuts it to what fits, and adds a NUL. */
static zx_status_t read_name(user_in(char) from, size_t size, char name[ZX_MAX_NAME_LEN]) {
    size = MIN(size, (size_t)ZX_MAX_NAME_LEN - 1);
    if (!user_read(name, from, size))
        return ZX_ERR_INVALID_ARGS;
    name[size] = 0;
    return ZX_OK;
}

zx_status_t sys_job_create(zx_handle_t parent, uint32_t options, user_out(zx_handle_t) out) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    struct object* parent_object;
    zx_status_t status = handle_get(parent, ZX_OBJ_TYPE_JOB, ZX_RIGHT_MANAGE_JOB, &parent_object);
    if (status != ZX_OK)
        return status;
    struct job* job;
    status = handle_put(parent_object, job_create(job_from(parent_object), &job));
    if (status != ZX_OK)
        return status;
    return handle_install_out(&job->object, job->object.ops->default_rights, out);
}

zx_status_t sys_job_set_policy(zx_handle_t job, uint32_t options, uint32_t topic,
                               user_in(void) policy, uint32_t count) {
    if (options > ZX_JOB_POL_ABSOLUTE || topic != ZX_JOB_POL_BASIC)
        return ZX_ERR_INVALID_ARGS;
    struct object* object;
    zx_status_t status = handle_get(job, ZX_OBJ_TYPE_JOB, ZX_RIGHT_SET_POLICY, &object);
    if (status != ZX_OK)
        return status;
    zx_policy_basic_t entries[ZX_POL_MAX];
    if (count > ZX_POL_MAX)
        status = ZX_ERR_OUT_OF_RANGE;
    else if (count == 0 || !user_copy_in(entries, policy.address, count * sizeof(entries[0])))
        status = ZX_ERR_INVALID_ARGS;
    else
        status = job_set_policy(job_from(object), options == ZX_JOB_POL_ABSOLUTE, entries, count);
    return handle_put(object, status);
}

static zx_status_t install_process(struct process* process, user_out(zx_handle_t) process_out,
                                   user_out(zx_handle_t) vmar_out) {
    struct vmar_object* vmar = vmar_object_create(process->aspace, aspace_root(process->aspace));
    if (!vmar)
        return handle_put(&process->object, ZX_ERR_NO_MEMORY);
    return handle_install_pair_out(&process->object, process->object.ops->default_rights,
                                   process_out, &vmar->object, VMAR_DEFAULT_RIGHTS, vmar_out);
}

zx_status_t sys_process_create(zx_handle_t job, user_in(char) name, size_t name_size,
                               uint32_t options, user_out(zx_handle_t) process_out,
                               user_out(zx_handle_t) vmar_out) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    struct object* job_object;
    zx_status_t status = process_check_policy(ZX_POL_NEW_PROCESS);
    if (status != ZX_OK)
        return status;
    status = handle_get(job, ZX_OBJ_TYPE_JOB, ZX_RIGHT_MANAGE_PROCESS, &job_object);
    if (status != ZX_OK)
        return status;
    char kernel_name[ZX_MAX_NAME_LEN];
    struct process* process;
    status = read_name(name, name_size, kernel_name);
    if (status == ZX_OK)
        status = process_create(job_from(job_object), kernel_name, &process);
    object_release(job_object);
    return status == ZX_OK ? install_process(process, process_out, vmar_out) : status;
}

/* Moves the argument's handle from the caller to the process and starts the process, in one
 * step. */
static zx_status_t start_with_argument(struct process* process, struct user_thread* thread,
                                       const struct start_place* start, zx_handle_t argument_handle,
                                       uintptr_t argument) {
    static const struct handle_transfer_errors errors = {.repeated = ZX_ERR_BAD_HANDLE,
                                                         .invalid = ZX_ERR_BAD_HANDLE};
    struct handle_table* table = current_handles();
    struct handle handle = {0};
    struct handle_transfer transfer = {
        .table = table,
        .values = &argument_handle,
        .entries = &handle,
        .count = 1,
        .carrier_index = HANDLE_TRANSFER_NOWHERE,
        .errors = &errors,
    };
    preempt_disable(); /* see user_thread_run_with_handle */
    spin_lock(&table->lock);
    zx_status_t status = handle_transfer_take_locked(&transfer, NULL);
    if (status == ZX_OK) {
        status = thread->process == process ? user_thread_claim(thread, start, PROCESS_INITIAL)
                                            : ZX_ERR_ACCESS_DENIED;
        handle_transfer_end_locked(&transfer, status);
    }
    spin_unlock(&table->lock);
    if (status != ZX_OK) {
        preempt_enable();
        return status;
    }
    object_reference(handle.object); /* the process may close the handle at once */
    bool is_given = user_thread_run_with_handle(thread, handle, argument);
    preempt_enable();
    handle_transfer_finish(&transfer);
    if (!is_given)
        handle_release(handle);
    object_release(handle.object);
    return ZX_OK;
}

/* 2016 and 2017: on failure the argument's handle stays with the caller. */
zx_status_t sys_mx_process_start(zx_handle_t process, zx_handle_t thread, zx_vaddr_t entry,
                                 zx_vaddr_t stack, zx_handle_t argument_handle,
                                 uintptr_t argument) {
    const struct start_place start = {.entry = entry, .stack = stack};
    struct object *process_object, *thread_object;
    zx_status_t status = handle_get(process, ZX_OBJ_TYPE_PROCESS, ZX_RIGHT_WRITE, &process_object);
    if (status != ZX_OK)
        return status;
    status = handle_get(thread, ZX_OBJ_TYPE_THREAD, ZX_RIGHT_WRITE, &thread_object);
    if (status != ZX_OK)
        return handle_put(process_object, status);
    status = start_with_argument(process_from(process_object), user_thread_from(thread_object),
                                 &start, argument_handle, argument);
    return handle_put(process_object, handle_put(thread_object, status));
}

/* 2018: on every failure the argument's handle is closed. */
zx_status_t sys_process_start(zx_handle_t process, zx_handle_t thread, zx_vaddr_t entry,
                              zx_vaddr_t stack, zx_handle_t argument_handle, uintptr_t argument) {
    zx_status_t status =
        sys_mx_process_start(process, thread, entry, stack, argument_handle, argument);
    if (status != ZX_OK)
        (void)handle_table_close(current_handles(), argument_handle);
    return status;
}

void sys_process_exit(int64_t return_code) {
    process_exit_current(return_code);
}

zx_status_t sys_thread_create(zx_handle_t process, user_in(char) name, size_t name_size,
                              uint32_t options, user_out(zx_handle_t) out) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    struct object* process_object;
    zx_status_t status =
        handle_get(process, ZX_OBJ_TYPE_PROCESS, ZX_RIGHT_MANAGE_THREAD, &process_object);
    if (status != ZX_OK)
        return status;
    char kernel_name[ZX_MAX_NAME_LEN];
    struct user_thread* thread;
    status = read_name(name, name_size, kernel_name);
    if (status == ZX_OK)
        status = user_thread_create(process_from(process_object), kernel_name, &thread);
    object_release(process_object);
    if (status != ZX_OK)
        return status;
    return handle_install_out(&thread->object, thread->object.ops->default_rights, out);
}

zx_status_t sys_thread_start(zx_handle_t thread, zx_vaddr_t entry, zx_vaddr_t stack,
                             uintptr_t argument1, uintptr_t argument2) {
    struct object* object;
    zx_status_t status = handle_get(thread, ZX_OBJ_TYPE_THREAD, ZX_RIGHT_WRITE, &object);
    if (status != ZX_OK)
        return status;
    const struct start_place start = {.entry = entry, .stack = stack};
    return handle_put(object,
                      user_thread_start(user_thread_from(object), &start, argument1, argument2));
}

void sys_thread_exit(void) {
    thread_exit_current();
}

zx_status_t sys_task_kill(zx_handle_t task) {
    struct object* object;
    zx_rights_t rights;
    zx_status_t status =
        handle_get_with_rights(task, ZX_OBJ_TYPE_NONE, ZX_RIGHT_NONE, &object, &rights);
    if (status != ZX_OK)
        return status;
    zx_obj_type_t type = object->ops->type;
    if (type != ZX_OBJ_TYPE_JOB && type != ZX_OBJ_TYPE_PROCESS && type != ZX_OBJ_TYPE_THREAD) {
        status = ZX_ERR_WRONG_TYPE;
        handle_fault(current_handles(), status);
    } else if (!(rights & ZX_RIGHT_DESTROY)) {
        status = ZX_ERR_ACCESS_DENIED;
    } else if (type == ZX_OBJ_TYPE_JOB) {
        job_kill(job_from(object));
    } else if (type == ZX_OBJ_TYPE_PROCESS) {
        process_kill(process_from(object), ZX_ERR_CANCELED);
    } else {
        user_thread_kill(user_thread_from(object));
    }
    return handle_put(object, status);
}

zx_status_t sys_thread_yield(void) {
    thread_yield();
    return ZX_OK;
}

zx_status_t sys_thread_set_priority(zx_handle_t thread, uint32_t priority) {
    struct object* object;
    zx_status_t status = handle_get(thread, ZX_OBJ_TYPE_THREAD, ZX_RIGHT_MANAGE_THREAD, &object);
    if (status != ZX_OK)
        return status;
    if (priority > THREAD_PRIORITY_USER_MAX)
        return handle_put(object, ZX_ERR_OUT_OF_RANGE);
    thread_set_priority(user_thread_from(object)->thread, priority);
    return handle_put(object, ZX_OK);
}

zx_status_t sys_thread_set_affinity(zx_handle_t thread, uint32_t cpu_mask) {
    struct object* object;
    zx_status_t status = handle_get(thread, ZX_OBJ_TYPE_THREAD, ZX_RIGHT_MANAGE_THREAD, &object);
    if (status != ZX_OK)
        return status;
    return handle_put(object, thread_set_affinity(user_thread_from(object)->thread, cpu_mask));
}

zx_status_t sys_thread_set_fs_base(uintptr_t base) {
    if (base >= USER_ADDRESS_END)
        return ZX_ERR_INVALID_ARGS;
    context_set_fs_base(base);
    return ZX_OK;
}
