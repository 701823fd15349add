/* Two-phase writing and reading: the program works on the ring itself, through a window that is
 * made at the first begin and kept from then on.
 *
 * The window belongs to the handle. It goes when the handle is closed (on_zero_handles), and it is
 * taken off the end, under the table's lock, when the handle leaves in a message
 * (object/handle_transfer.h). So whoever puts one on looks, under the same lock, whether the handle
 * is still there. That a write or read is open is the end's own state, and goes with it. */
#include <ipc/data_pipe_quick.h>

#include <mm/aspace.h>
#include <mm/vmo.h>
#include <sched/thread.h>

/* What one attempt under the lock came to; never answers for user mode. */
#define ATTEMPT_USER_FAULT INT64_MIN
#define ATTEMPT_NO_WINDOW (INT64_MIN + 1)

struct window* data_pipe_exchange_window(struct object* object, struct window* window) {
    struct data_pipe_end* end = data_pipe_end_from(object);
    spin_lock(object->lock);
    struct window* old = end->window;
    end->window = window;
    spin_unlock(object->lock);
    return old;
}

static int64_t begin_locked(struct data_pipe_end* end, uintptr_t address_out) {
    bool is_peer_closed = data_pipe_peer(end)->state == DATA_PIPE_CLOSED;
    size_t available = data_pipe_available_locked(end);
    if (end->state == DATA_PIPE_CLOSED)
        return ZX_ERR_BAD_HANDLE;
    if (end->state == DATA_PIPE_TWO_PHASE)
        return ZX_ERR_2016_BUSY;
    if (is_peer_closed && (data_pipe_is_producer(end) || available == 0))
        return ZX_ERR_PEER_CLOSED;
    if (available == 0)
        return ZX_ERR_SHOULD_WAIT;
    if (!data_pipe_has_whole_window(end))
        return ATTEMPT_NO_WINDOW;
    zx_signals_t signals = data_pipe_is_producer(end) ? DATA_PIPE_WRITABLE : DATA_PIPE_READABLE;
    size_t offered;
    bool is_told = data_pipe_offer_locked(end, available, signals, address_out, &offered);
    return is_told ? (int64_t)offered : ATTEMPT_USER_FAULT;
}

/* A fresh window instead of none, or of one that the program has changed. BAD_HANDLE: the handle
 * has left the table meanwhile. */
static zx_status_t renew_window(struct data_pipe_end* end, const struct data_pipe_request* request,
                                struct aspace* aspace) {
    uint32_t permissions = ZX_VM_PERM_READ | (data_pipe_is_producer(end) ? ZX_VM_PERM_WRITE : 0);
    struct handle_table* table = request->table;
    struct handle_slot* slot;
    struct window* window;
    zx_status_t status = window_create(aspace, end->pipe->ring, permissions, &end->object, &window);
    if (status != ZX_OK)
        return status;
    spin_lock(&table->lock);
    bool is_there =
        handle_table_find_locked(table, request->handle, &slot) && slot->object == &end->object;
    table->may_have_windows = true;
    if (is_there)
        window = data_pipe_exchange_window(&end->object, window);
    spin_unlock(&table->lock);
    window_destroy(window);
    return is_there ? ZX_OK : ZX_ERR_BAD_HANDLE;
}

/* With the end's mutex. Another thread of the program can undo what each attempt needs. */
static int64_t begin_exclusively(struct data_pipe_end* end, const struct data_pipe_request* request,
                                 struct aspace* aspace) {
    while (!thread_is_killed(thread_current())) {
        spin_lock(end->object.lock);
        int64_t result = begin_locked(end, request->user);
        spin_unlock(end->object.lock);
        if (result == ATTEMPT_NO_WINDOW)
            result = renew_window(end, request, aspace);
        else if (result == ATTEMPT_USER_FAULT)
            result =
                user_fault_in(request->user, sizeof(uintptr_t), true) ? ZX_OK : ZX_ERR_INVALID_ARGS;
        if (result != ZX_OK)
            return result;
    }
    return ZX_ERR_CANCELED;
}

static zx_status_t check_begin(const struct data_pipe_request* request) {
    if (request->flags & ~request->known_flags)
        return ZX_ERR_NOT_SUPPORTED;
    bool is_good = request->flags == 0 && user_fault_in(request->user, sizeof(uintptr_t), true);
    return is_good ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

int64_t data_pipe_begin(const struct data_pipe_request* request, struct aspace* aspace) {
    struct object* object;
    zx_status_t status =
        handle_table_get(request->table, request->handle, request->type, request->right, &object);
    if (status != ZX_OK)
        return status;
    struct data_pipe_end* end = data_pipe_end_from(object);
    int64_t result = check_begin(request);
    if (result == ZX_OK) {
        result = mutex_lock(&end->mutex);
        if (result == ZX_OK) {
            result = begin_exclusively(end, request, aspace);
            mutex_unlock(&end->mutex);
        }
    }
    object_release(object);
    return result;
}
