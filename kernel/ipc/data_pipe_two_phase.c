/* Two-phase writing and reading: the program works on the ring itself, through a window. The window
 * is made at the first begin and kept from then on. Whether two phases are open is state of the
 * end. It goes with the end to another process.
 *
 * Races:
 * 1. The handle is closed, or leaves in a message, while a window is made for it. Closing destroys
 *    the end's window (on_zero_handles). A message takes the window off the end, with the table's
 *    lock held (object/handle_transfer.h). So a new window is put on the end with the same lock
 *    held, and only if the handle is still there.
 * 2. The program changes its window, or unmaps the memory of a call, between two steps. An attempt
 *    is made with the lock held, and fails as a whole. The caller then supplies what was missing,
 *    and makes the attempt again.
 * 3. Two threads begin at once. The mutex lets only one of them make a window. */
#include <ipc/data_pipe_two_phase.h>

#include <abi/memory.h>
#include <abi/pipes.h>
#include <arch/user_copy.h>
#include <ipc/data_pipe_state.h>
#include <mm/window.h>
#include <object/handle_table.h>
#include <sched/thread.h>
#include <task/process.h>

#define READ_FLAGS                                                       \
    (MX_DATAPIPE_READ_FLAG_ALL_OR_NONE | MX_DATAPIPE_READ_FLAG_DISCARD | \
     MX_DATAPIPE_READ_FLAG_QUERY | MX_DATAPIPE_READ_FLAG_PEEK)

/* --- the window ------------------------------------------------------------------------------- */

struct window* data_pipe_exchange_window(struct object* object, struct window* window) {
    struct data_pipe_end* end = data_pipe_end_from(object);
    spin_lock(object->lock);
    struct window* old = end->window;
    end->window = window;
    spin_unlock(object->lock);
    return old;
}

static ALWAYS_INLINE bool has_whole_window(const struct data_pipe_end* end) {
    return end->window && window_is_whole(end->window);
}

/* Makes a window, because there is none or because the program has changed it. BAD_HANDLE: the
 * handle has left the table (race 1). */
static zx_status_t renew_window(struct data_pipe_end* end, zx_handle_t handle) {
    uint32_t permissions = ZX_VM_PERM_READ | (data_pipe_is_producer(end) ? ZX_VM_PERM_WRITE : 0);
    struct handle_table* table = current_handles();
    struct handle_slot* slot;
    struct window* window;
    zx_status_t status = window_create(process_current()->aspace, end->pipe->ring, permissions,
                                       &end->object, &window);
    if (status != ZX_OK)
        return status;
    spin_lock(&table->lock); /* race 1 */
    bool is_there = handle_table_find_locked(table, handle, &slot) && slot->object == &end->object;
    table->may_have_windows = true;
    if (is_there)
        window = data_pipe_exchange_window(&end->object, window);
    spin_unlock(&table->lock);
    window_destroy(window);
    return is_there ? ZX_OK : ZX_ERR_BAD_HANDLE;
}

/* --- begin ------------------------------------------------------------------------------------ */

/* One attempt: offers the bytes of one run. Returns their number, or an error of
 * data_pipe_check_locked. 0: another thread is copying, or the window or user memory is not
 * there. */
static ALWAYS_INLINE int64_t offer_locked(struct data_pipe* pipe, bool is_producer,
                                          uintptr_t address_out) {
    struct data_pipe_end* end = data_pipe_end_of(pipe, is_producer);
    size_t available;
    zx_status_t status = data_pipe_check_locked(pipe, is_producer, &available);
    if (unlikely(status != ZX_OK))
        return status;
    if (unlikely(end->state != DATA_PIPE_IDLE) || !has_whole_window(end))
        return 0;
    size_t offset = data_pipe_offset_locked(pipe, end);
    if (!user_write_size(address_out, end->window->base + offset))
        return 0;
    size_t offered = end->offered = MIN(available, pipe->capacity - offset);
    end->state = DATA_PIPE_TWO_PHASE;
    object_update_signals_locked(&end->object,
                                 is_producer ? DATA_PIPE_WRITABLE : DATA_PIPE_READABLE, 0);
    return (int64_t)offered;
}

/* Called with the mutex held (race 3). */
static int64_t begin_exclusively(struct data_pipe_end* end, uintptr_t address_out,
                                 zx_handle_t handle) {
    while (!thread_is_killed(thread_current())) { /* race 2 */
        spin_lock(end->object.lock);
        int64_t offered = offer_locked(end->pipe, data_pipe_is_producer(end), address_out);
        bool is_windowless = !has_whole_window(end);
        spin_unlock(end->object.lock);
        if (offered != 0)
            return offered;
        zx_status_t status = is_windowless ? renew_window(end, handle) : ZX_OK;
        if (status != ZX_OK)
            return status;
        if (!user_fault_in(address_out, sizeof(uintptr_t), true))
            return ZX_ERR_INVALID_ARGS;
    }
    return ZX_ERR_CANCELED;
}

static zx_status_t check_begin(bool is_producer, uint32_t flags, uintptr_t address_out) {
    if (flags & ~(is_producer ? MX_DATAPIPE_WRITE_FLAG_ALL_OR_NONE : READ_FLAGS))
        return ZX_ERR_NOT_SUPPORTED;
    bool is_good = flags == 0 && user_fault_in(address_out, sizeof(uintptr_t), true);
    return is_good ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* Called with the lock held, returns without it. */
static NOINLINE int64_t unlock_and_begin(struct data_pipe_end* end, zx_handle_t handle,
                                         uint32_t flags, uintptr_t address_out) {
    object_reference(&end->object); /* race 1 */
    spin_unlock(end->object.lock);
    int64_t result = check_begin(data_pipe_is_producer(end), flags, address_out);
    if (result == ZX_OK) {
        result = mutex_lock(&end->mutex);
        if (result == ZX_OK) {
            result = begin_exclusively(end, address_out, handle);
            mutex_unlock(&end->mutex);
        }
    }
    object_release(&end->object);
    return result;
}

/* The first attempt needs neither reference nor mutex. After an error unlock_and_begin checks
 * everything again, because errors of flags and user memory come before errors of the pipe's
 * state. */
static ALWAYS_INLINE int64_t begin_phases(zx_handle_t handle, uint32_t flags, uintptr_t address_out,
                                          bool is_producer) {
    struct data_pipe* pipe;
    zx_status_t status = data_pipe_lock_end(handle, is_producer, &pipe);
    if (status != ZX_OK)
        return status;
    int64_t offered = flags == 0 ? offer_locked(pipe, is_producer, address_out) : 0;
    if (unlikely(offered <= 0))
        return unlock_and_begin(data_pipe_end_of(pipe, is_producer), handle, flags, address_out);
    return spin_unlock_and_return(&pipe->lock, offered);
}

int64_t data_pipe_begin_write(zx_handle_t producer, uint32_t flags, uintptr_t address_out) {
    return begin_phases(producer, flags, address_out, true);
}

int64_t data_pipe_begin_read(zx_handle_t consumer, uint32_t flags, uintptr_t address_out) {
    return begin_phases(consumer, flags, address_out, false);
}

/* --- end -------------------------------------------------------------------------------------- */

/* Both phases end, but the end does not move. Called with the lock held, returns without it. */
static NOINLINE zx_status_t refuse_to_end(struct data_pipe* pipe) {
    data_pipe_show_both_locked(pipe);
    spin_unlock(&pipe->lock);
    return ZX_ERR_INVALID_ARGS;
}

static ALWAYS_INLINE zx_status_t end_phases(zx_handle_t handle, size_t size, bool is_producer) {
    struct data_pipe* pipe;
    zx_status_t status = data_pipe_lock_end(handle, is_producer, &pipe);
    if (status != ZX_OK)
        return status;
    struct data_pipe_end* end = data_pipe_end_of(pipe, is_producer);
    if (end->state != DATA_PIPE_TWO_PHASE) {
        spin_unlock(&pipe->lock);
        return ZX_ERR_BAD_STATE;
    }
    end->state = DATA_PIPE_IDLE;
    if (size > end->offered || size % pipe->element_size != 0)
        return refuse_to_end(pipe);
    data_pipe_move_locked(pipe, end, size);
    if (is_producer) {
        pipe->used += size;
        data_pipe_show_both_locked(pipe);
    } else
        data_pipe_taken_locked(pipe, size);
    spin_unlock(&pipe->lock);
    return ZX_OK;
}

zx_status_t data_pipe_end_write(zx_handle_t producer, size_t size) {
    return end_phases(producer, size, true);
}

zx_status_t data_pipe_end_read(zx_handle_t consumer, size_t size) {
    return end_phases(consumer, size, false);
}
