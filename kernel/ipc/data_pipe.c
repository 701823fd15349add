#include <ipc/data_pipe.h>

#include <arch/user_copy.h>
#include <mm/slab.h>
#include <mm/vmo.h>
#include <mm/window.h>
#include <sched/thread.h>

#define COPY_SPAN (64ul << 10) /* bytes, between two looks for a kill */

#define FLAG_ALL_OR_NONE MX_DATAPIPE_WRITE_FLAG_ALL_OR_NONE
#define FLAG_DISCARD MX_DATAPIPE_READ_FLAG_DISCARD
#define FLAG_QUERY MX_DATAPIPE_READ_FLAG_QUERY
#define FLAG_PEEK MX_DATAPIPE_READ_FLAG_PEEK

_Static_assert(FLAG_ALL_OR_NONE == MX_DATAPIPE_READ_FLAG_ALL_OR_NONE, "one flag for both ends");

static struct slab_cache pipe_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(pipe_cache, "data pipe", sizeof(struct data_pipe));

static const struct object_ops producer_ops, consumer_ops;

/* --- life ------------------------------------------------------------------------------------- */

static void show_both_locked(struct data_pipe* pipe) {
    data_pipe_show_producer_locked(pipe);
    data_pipe_show_consumer_locked(pipe);
}

static zx_status_t choose_capacity(size_t element_size, size_t* capacity) {
    if (element_size == 0 || *capacity % element_size != 0)
        return ZX_ERR_INVALID_ARGS;
    if (*capacity == 0)
        *capacity = MAX(DATAPIPE_DEFAULT_CAPACITY_BYTES / element_size, 1ul) * element_size;
    return *capacity <= DATAPIPE_MAX_CAPACITY_BYTES ? ZX_OK : ZX_ERR_NO_MEMORY;
}

static void end_init(struct data_pipe_end* end, struct data_pipe* pipe,
                     const struct object_ops* ops) {
    end->pipe = pipe;
    mutex_init(&end->mutex);
    object_init(&end->object, ops, &pipe->lock, 0);
}

zx_status_t data_pipe_create(size_t element_size, size_t capacity, struct data_pipe** out) {
    zx_status_t status = choose_capacity(element_size, &capacity);
    if (status != ZX_OK)
        return status;
    struct data_pipe* pipe = slab_alloc_zeroed(&pipe_cache);
    if (!pipe)
        return ZX_ERR_NO_MEMORY;
    status = vmo_create(capacity, &pipe->ring);
    if (status != ZX_OK) {
        slab_free(&pipe_cache, pipe);
        return status;
    }
    spinlock_init(&pipe->lock, LOCK_OBJECT);
    atomic_init(&pipe->references, 2);
    pipe->element_size = element_size;
    pipe->capacity = capacity;
    end_init(&pipe->producer, pipe, &producer_ops);
    end_init(&pipe->consumer, pipe, &consumer_ops);
    spin_lock(&pipe->lock);
    show_both_locked(pipe);
    spin_unlock(&pipe->lock);
    *out = pipe;
    return ZX_OK;
}

void data_pipe_settle_locked(struct data_pipe_end* end) {
    const struct data_pipe* pipe = end->pipe;
    size_t offset = data_pipe_offset_locked(end), in_page = offset % PAGE_SIZE;
    char* page = vmo_page_address(pipe->ring, offset >> PAGE_SHIFT);
    if (!page)
        return;
    end->place = page + in_page;
    end->room = MIN(PAGE_SIZE - in_page, pipe->capacity - offset);
    end->run_end = offset + end->room;
}

/* --- copying ---------------------------------------------------------------------------------- */

static zx_status_t check_flags(const struct data_pipe_request* request) {
    uint32_t exclusive = request->flags & (FLAG_DISCARD | FLAG_QUERY | FLAG_PEEK);
    if (request->flags & ~request->known_flags)
        return ZX_ERR_NOT_SUPPORTED;
    return exclusive & (exclusive - 1) ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

/* How many bytes the request gets, or why none. */
static int64_t plan_locked(const struct data_pipe_end* end,
                           const struct data_pipe_request* request) {
    const struct data_pipe* pipe = end->pipe;
    bool is_peer_closed = data_pipe_peer(end)->state == DATA_PIPE_CLOSED;
    size_t available = data_pipe_available_locked(end);
    if (end->state == DATA_PIPE_CLOSED) /* since the handle was looked up */
        return ZX_ERR_BAD_HANDLE;
    if (end->state == DATA_PIPE_TWO_PHASE)
        return ZX_ERR_2016_BUSY;
    if (request->flags & FLAG_QUERY)
        return (int64_t)available;
    if (request->size % pipe->element_size != 0)
        return ZX_ERR_INVALID_ARGS;
    if (is_peer_closed && (data_pipe_is_producer(end) || available == 0))
        return ZX_ERR_PEER_CLOSED;
    if (request->size == 0)
        return 0;
    if (available == 0)
        return ZX_ERR_SHOULD_WAIT;
    if ((request->flags & FLAG_ALL_OR_NONE) && request->size > available)
        return is_peer_closed ? ZX_ERR_PEER_CLOSED : ZX_ERR_OUT_OF_RANGE;
    return (int64_t)MIN(request->size, available);
}

static void account_locked(struct data_pipe_end* end, size_t size) {
    data_pipe_move_locked(end, size);
    if (end->room == 0)
        data_pipe_settle_locked(end);
    if (data_pipe_is_producer(end))
        data_pipe_written_locked(end->pipe, size);
    else
        data_pipe_taken_locked(end->pipe, size);
}

/* Between user memory and the ring, from `offset` on, a page's part at a time. */
static ALWAYS_INLINE zx_status_t copy_span(const struct data_pipe_end* end, uintptr_t user,
                                           size_t offset, size_t size) {
    const struct data_pipe* pipe = end->pipe;
    bool is_write = data_pipe_is_producer(end);
    for (size_t done = 0; done < size;) {
        size_t in_page = offset % PAGE_SIZE;
        size_t part = MIN(size - done, MIN(PAGE_SIZE - in_page, pipe->capacity - offset));
        char* page = vmo_page_address(pipe->ring, offset >> PAGE_SHIFT);
        if (!page)
            return ZX_ERR_NO_MEMORY;
        bool is_copied = is_write ? user_copy_in(page + in_page, user + done, part)
                                  : user_copy_out(user + done, page + in_page, part);
        if (!is_copied)
            return ZX_ERR_INVALID_ARGS;
        done += part;
        offset = offset + part < pipe->capacity ? offset + part : 0;
    }
    return ZX_OK;
}

/* From the end's offset on, in spans, with a look for a kill before each but the first. No lock is
 * held: nobody else moves the end. User memory is looked at before, so that only another thread
 * that unmaps it meanwhile, or a kill, leaves a part behind, in bytes that do not count. */
static zx_status_t copy(const struct data_pipe_end* end, const struct data_pipe_request* request,
                        size_t size) {
    size_t offset = data_pipe_offset_locked(end);
    if (!user_range_is_valid(request->user, request->size) ||
        !user_fault_in(request->user, size, !data_pipe_is_producer(end)))
        return ZX_ERR_INVALID_ARGS;
    for (size_t done = 0;;) {
        size_t span = MIN(size - done, COPY_SPAN);
        zx_status_t status = copy_span(end, request->user + done, offset, span);
        done += span;
        if (status != ZX_OK || done == size)
            return status;
        if (thread_is_killed(thread_current()))
            return ZX_ERR_CANCELED;
        offset = (offset + span) % end->pipe->capacity;
    }
}

/* The handle may have gone meanwhile: then nobody sees the bytes any more. */
static zx_status_t finish_copy_locked(struct data_pipe_end* end, size_t size, zx_status_t status) {
    if (end->state == DATA_PIPE_CLOSED)
        return ZX_ERR_BAD_HANDLE;
    end->state = DATA_PIPE_IDLE;
    if (status == ZX_OK)
        account_locked(end, size);
    return status;
}

/* With the end's mutex. */
static int64_t copy_exclusively(struct data_pipe_end* end,
                                const struct data_pipe_request* request) {
    spin_lock(end->object.lock);
    int64_t planned = plan_locked(end, request);
    bool must_copy = planned > 0 && !(request->flags & (FLAG_DISCARD | FLAG_QUERY));
    if (must_copy)
        end->state = DATA_PIPE_COPYING;
    else if (planned > 0 && (request->flags & FLAG_DISCARD))
        account_locked(end, (size_t)planned);
    spin_unlock(end->object.lock);
    if (!must_copy)
        return planned;
    zx_status_t status = copy(end, request, (size_t)planned);
    spin_lock(end->object.lock);
    status = finish_copy_locked(end, request->flags & FLAG_PEEK ? 0 : (size_t)planned, status);
    spin_unlock(end->object.lock);
    return status == ZX_OK ? planned : status;
}

int64_t data_pipe_copy(const struct data_pipe_request* request) {
    struct object* object;
    zx_status_t status =
        handle_table_get(request->table, request->handle, request->type, request->right, &object);
    if (status != ZX_OK)
        return status;
    struct data_pipe_end* end = data_pipe_end_from(object);
    int64_t result = check_flags(request);
    if (result == ZX_OK) {
        result = mutex_lock(&end->mutex);
        if (result == ZX_OK) {
            result = copy_exclusively(end, request);
            mutex_unlock(&end->mutex);
        }
    }
    object_release(object);
    return result;
}

/* --- thresholds ------------------------------------------------------------------------------- */

size_t data_pipe_threshold(struct data_pipe_end* end) {
    spin_lock(end->object.lock);
    size_t threshold = end->threshold;
    spin_unlock(end->object.lock);
    return threshold;
}

zx_status_t data_pipe_set_threshold(struct data_pipe_end* end, size_t threshold) {
    if (threshold % end->pipe->element_size != 0 || threshold > end->pipe->capacity)
        return ZX_ERR_INVALID_ARGS;
    spin_lock(end->object.lock);
    end->threshold = threshold;
    show_both_locked(end->pipe);
    spin_unlock(end->object.lock);
    return ZX_OK;
}

/* --- the end of it ---------------------------------------------------------------------------- */

/* What two phases have begun is void; a window goes before the process can do anything else. */
static void end_on_zero_handles(struct object* object) {
    struct data_pipe_end* end = data_pipe_end_from(object);
    spin_lock(object->lock);
    struct window* window = end->window;
    end->window = NULL;
    end->state = DATA_PIPE_CLOSED;
    object_update_signals_locked(&data_pipe_peer(end)->object, 0, ZX_OBJECT_PEER_CLOSED);
    show_both_locked(end->pipe);
    spin_unlock(object->lock);
    window_destroy(window);
}

static void end_destroy(struct object* object) {
    struct data_pipe* pipe = data_pipe_end_from(object)->pipe;
    if (atomic_fetch_sub_explicit(&pipe->references, 1, memory_order_acq_rel) > 1)
        return;
    vmo_release(pipe->ring);
    slab_free(&pipe_cache, pipe);
}

static struct object* peer_locked(struct object* object) {
    struct data_pipe_end* peer = data_pipe_peer(data_pipe_end_from(object));
    return peer->state == DATA_PIPE_CLOSED ? NULL : &peer->object;
}

/* Both ends live as long as either. */
static zx_koid_t related_koid(const struct object* object) {
    const struct data_pipe_end* end = CONTAINER_OF(object, struct data_pipe_end, object);
    return data_pipe_peer(end)->object.koid;
}

static const struct object_ops producer_ops = {
    .type = ZX_OBJ_TYPE_DATAPIPE_PRODUCER,
    .name = "data pipe producer",
    .default_rights = DATA_PIPE_PRODUCER_RIGHTS,
    .on_zero_handles = end_on_zero_handles,
    .destroy = end_destroy,
    .peer_locked = peer_locked,
    .related_koid = related_koid,
    .exchange_window = data_pipe_exchange_window,
};

static const struct object_ops consumer_ops = {
    .type = ZX_OBJ_TYPE_DATAPIPE_CONSUMER,
    .name = "data pipe consumer",
    .default_rights = DATA_PIPE_CONSUMER_RIGHTS,
    .on_zero_handles = end_on_zero_handles,
    .destroy = end_destroy,
    .peer_locked = peer_locked,
    .related_koid = related_koid,
    .exchange_window = data_pipe_exchange_window,
};
