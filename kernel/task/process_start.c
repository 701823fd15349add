#include <task/process_start.h>

#include <abi/errors.h>
#include <task/process.h>
#include <task/user_thread.h>

/* From here on the thread counts as running. So if it is killed before it begins to run, the
 * process ends with it. */
zx_status_t process_start_begin(struct process* process, struct user_thread* thread,
                                const struct start_place* start) {
    if (thread->process != process)
        return ZX_ERR_ACCESS_DENIED;
    zx_status_t status = ZX_OK;
    spin_lock(process->object.lock);
    if (process->state != PROCESS_INITIAL || thread->is_started)
        status = ZX_ERR_BAD_STATE;
    else if (!start_place_is_valid(start))
        status = ZX_ERR_INVALID_ARGS;
    if (status == ZX_OK) {
        user_thread_claim_locked(thread, start);
        process->state = PROCESS_RUNNING;
    }
    spin_unlock(process->object.lock);
    return status;
}

/* The table has no room only if another thread of the process has used it up meanwhile. If the
 * process was killed in between, the table closes the handle with the rest. */
bool process_start_finish(struct process* process, struct user_thread* thread,
                          struct handle argument, uint64_t argument2) {
    zx_handle_t value = ZX_HANDLE_INVALID;
    bool is_added = handle_table_add(&process->handles, argument, &value) == ZX_OK;
    user_thread_run(thread, (uint64_t)value, argument2);
    return is_added;
}
