/* Data pipe: a ring of bytes, in whole elements, between a producer and a consumer (2016).
 *
 * The two ends and the ring are one piece of memory with one lock (OBJECT). The ring's pages are
 * those of a VMO, which appear as they are first written and stay: so what was never written is
 * zero. Copies go through the kernel's map of memory; a two-phase call (data_pipe_two_phase.c)
 * shows the VMO to the program instead, through a window.
 *
 * A copy of few bytes is done with the lock held. A longer one takes the end's mutex, makes the end
 * COPYING, and copies with no spinlock held: the other end may go on, because what is copied is
 * neither free nor waiting before the copy is accounted for; whoever comes to the same end waits
 * for the mutex. The mutex also keeps two threads from making a window at once.
 *
 * An end has one handle, which cannot be duplicated; so "the end's process" means something. */
#pragma once

#include <abi/pipes.h>
#include <arch/layout.h>
#include <arch/user_copy.h>
#include <object/handle_table.h>
#include <object/object.h>
#include <sched/wait_queue.h>

struct aspace;
struct vmo;
struct window;

#define DATA_PIPE_PRODUCER_RIGHTS \
    (ZX_RIGHT_TRANSFER | ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_WAIT)
#define DATA_PIPE_CONSUMER_RIGHTS (ZX_RIGHT_TRANSFER | ZX_RIGHT_READ | ZX_RIGHT_WAIT)

enum data_pipe_end_state {
    DATA_PIPE_IDLE,
    DATA_PIPE_COPYING,   /* a long copy is under way, by the holder of the mutex */
    DATA_PIPE_TWO_PHASE, /* begun and not yet ended */
    DATA_PIPE_CLOSED,    /* the last handle has gone */
};

struct data_pipe_end {
    struct object object;
    struct data_pipe* pipe;
    enum data_pipe_end_state state;
    size_t offset; /* in the ring: where the next byte goes, or comes from */
    /* The bytes from `offset` to the end of its page or of the ring, as the kernel sees them; 0
     * room: not looked up yet. */
    char* place;
    size_t room;
    size_t offered;   /* TWO_PHASE: how many bytes begin answered */
    size_t threshold; /* as set; 0 means one element */
    struct window* window;
    struct mutex mutex;
};

struct data_pipe {
    struct spinlock lock;        /* guards all of both ends, and `used` */
    _Atomic uint32_t references; /* the ends that are not destroyed */
    size_t element_size, capacity;
    size_t used; /* bytes waiting: whole elements */
    struct vmo* ring;
    struct data_pipe_end producer, consumer;
};

/* `capacity` 0: the default. Both ends have one reference. INVALID_ARGS: no size, or a capacity
 * that is not whole elements; NO_MEMORY, also for more than DATAPIPE_MAX_CAPACITY_BYTES. */
MUST_CHECK zx_status_t data_pipe_create(size_t element_size, size_t capacity,
                                        struct data_pipe** out);

static inline struct data_pipe_end* data_pipe_end_from(struct object* object) {
    return CONTAINER_OF(object, struct data_pipe_end, object);
}
static inline bool data_pipe_is_producer(const struct data_pipe_end* end) {
    return end == &end->pipe->producer;
}
static inline struct data_pipe_end* data_pipe_peer(const struct data_pipe_end* end) {
    return data_pipe_is_producer(end) ? &end->pipe->consumer : &end->pipe->producer;
}

/* --- the state, under the lock -----------------------------------------------------------------
 */

/* What the end can write, or read. */
static inline size_t data_pipe_available_locked(const struct data_pipe_end* end) {
    const struct data_pipe* pipe = end->pipe;
    return data_pipe_is_producer(end) ? pipe->capacity - pipe->used : pipe->used;
}

/* Shows what follows from the state. */
static ALWAYS_INLINE void data_pipe_show_locked(struct data_pipe_end* end, size_t available,
                                                bool is_peer_closed, zx_signals_t ready,
                                                zx_signals_t at_threshold) {
    zx_signals_t shown = is_peer_closed ? ZX_OBJECT_PEER_CLOSED : 0;
    if (available > 0 && likely(end->state != DATA_PIPE_TWO_PHASE))
        shown |= ready | (available >= end->threshold ? at_threshold : 0);
    object_update_signals_locked(&end->object, ready | at_threshold | ZX_OBJECT_PEER_CLOSED, shown);
}

static ALWAYS_INLINE void data_pipe_show_both_locked(struct data_pipe* pipe) {
    bool is_consumer_closed = pipe->consumer.state == DATA_PIPE_CLOSED;
    data_pipe_show_locked(&pipe->producer, is_consumer_closed ? 0 : pipe->capacity - pipe->used,
                          is_consumer_closed, ZX_OBJECT_WRITABLE, ZX_SIGNAL_WRITE_THRESHOLD);
    data_pipe_show_locked(&pipe->consumer, pipe->used, pipe->producer.state == DATA_PIPE_CLOSED,
                          ZX_OBJECT_READABLE, ZX_SIGNAL_READ_THRESHOLD);
}

/* The end's next byte is `size` bytes further on; at most the capacity. */
static ALWAYS_INLINE void data_pipe_move_locked(struct data_pipe_end* end, size_t size) {
    size_t capacity = end->pipe->capacity;
    end->offset += size;
    if (unlikely(end->offset >= capacity))
        end->offset -= capacity;
    if (likely(size <= end->room)) {
        end->place += size;
        end->room -= size;
    } else {
        end->room = 0;
    }
}

/* Looks up place and room for the end's offset. False: no memory. */
bool data_pipe_settle_locked(struct data_pipe_end* end);

/* --- few bytes ----------------------------------------------------------------------------------
 */

/* The end that `handle` names, locked; or BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED. No reference is
 * needed: whoever closes the handle needs the end's lock before the end can go. */
MUST_CHECK static ALWAYS_INLINE zx_status_t data_pipe_find_and_lock(struct handle_table* table,
                                                                    zx_handle_t handle,
                                                                    zx_obj_type_t type,
                                                                    zx_rights_t right,
                                                                    struct data_pipe_end** end) {
    struct handle_slot* slot;
    spin_lock(&table->lock);
    zx_status_t status = handle_table_check_locked(table, handle, type, right, &slot);
    if (unlikely(status != ZX_OK)) {
        spin_unlock(&table->lock);
        return status;
    }
    *end = data_pipe_end_from(slot->object);
    spin_lock_inner((*end)->object.lock);
    spin_unlock_outer(&table->lock);
    return ZX_OK;
}

/* Whether the bytes lie in one page, so that they can be copied under the lock. */
static ALWAYS_INLINE bool data_pipe_is_near_locked(struct data_pipe_end* end, size_t size) {
    return likely(size <= end->room) || (data_pipe_settle_locked(end) && size <= end->room);
}

/* The quick ways for the usual case: no flags, all there is room for (all that is wanted waits), in
 * one page, user memory present. False: nothing was done, and data_pipe_copy will tell why. */
static ALWAYS_INLINE bool data_pipe_write_small(struct handle_table* table, zx_handle_t handle,
                                                size_t size, uintptr_t from_user) {
    struct data_pipe_end* end;
    if (unlikely(data_pipe_find_and_lock(table, handle, ZX_OBJ_TYPE_DATAPIPE_PRODUCER,
                                         ZX_RIGHT_WRITE, &end) != ZX_OK))
        return false;
    struct data_pipe* pipe = CONTAINER_OF(end, struct data_pipe, producer);
    bool is_done = likely(end->state == DATA_PIPE_IDLE) &&
                   likely(pipe->consumer.state != DATA_PIPE_CLOSED) &&
                   likely(size <= pipe->capacity - pipe->used) &&
                   likely(size % pipe->element_size == 0) && data_pipe_is_near_locked(end, size) &&
                   likely(user_copy_in_small(end->place, from_user, size));
    if (likely(is_done)) {
        data_pipe_move_locked(end, size);
        pipe->used += size;
        data_pipe_show_both_locked(pipe);
    }
    spin_unlock(end->object.lock);
    return is_done;
}

static ALWAYS_INLINE bool data_pipe_read_small(struct handle_table* table, zx_handle_t handle,
                                               size_t size, uintptr_t to_user) {
    struct data_pipe_end* end;
    if (unlikely(data_pipe_find_and_lock(table, handle, ZX_OBJ_TYPE_DATAPIPE_CONSUMER,
                                         ZX_RIGHT_READ, &end) != ZX_OK))
        return false;
    struct data_pipe* pipe = CONTAINER_OF(end, struct data_pipe, consumer);
    bool is_done = likely(end->state == DATA_PIPE_IDLE) && likely(size <= pipe->used) &&
                   likely(size % pipe->element_size == 0) && data_pipe_is_near_locked(end, size) &&
                   likely(user_copy_out_with_words(to_user, end->place, size, 0, 0, 0, 0));
    if (likely(is_done)) {
        data_pipe_move_locked(end, size);
        pipe->used -= size;
        data_pipe_show_both_locked(pipe);
    }
    spin_unlock(end->object.lock);
    return is_done;
}

/* --- any number of bytes ------------------------------------------------------------------------
 */

struct data_pipe_request {
    struct handle_table* table;
    zx_handle_t handle; /* an end of `type` with `right` */
    zx_obj_type_t type;
    zx_rights_t right;
    uint32_t flags, known_flags; /* MX_DATAPIPE_READ_FLAG_*, _WRITE_FLAG_* */
    size_t size;
    uintptr_t user; /* where the bytes come from, or go to */
};

/* Writes or reads; answers how many bytes, or an error, the first of: BAD_HANDLE, WRONG_TYPE,
 * ACCESS_DENIED; NOT_SUPPORTED (unknown flag), INVALID_ARGS (flags that exclude each other); BUSY;
 * INVALID_ARGS (no whole elements); PEER_CLOSED; SHOULD_WAIT; OUT_OF_RANGE; INVALID_ARGS (user
 * memory), NO_MEMORY. */
MUST_CHECK int64_t data_pipe_copy(const struct data_pipe_request* request);

/* --- two phases ---------------------------------------------------------------------------------
 */

/* Tells at `request->user` (a word) where in the process `aspace` the bytes lie that can be
 * written, or read; answers how many in one run. The errors of data_pipe_copy; every flag is one.
 */
MUST_CHECK int64_t data_pipe_phase_begin(const struct data_pipe_request* request,
                                         struct aspace* aspace);
/* `request->size` bytes of the run were written, or are done with. BAD_STATE: nothing was begun;
 * INVALID_ARGS: more than was offered, or no whole elements: then none. */
MUST_CHECK zx_status_t data_pipe_phase_end(const struct data_pipe_request* request);
/* For the ops of both ends. */
struct window* data_pipe_exchange_window(struct object* object, struct window* window);

/* --- thresholds ---------------------------------------------------------------------------------
 */

size_t data_pipe_threshold(struct data_pipe_end* end);
/* INVALID_ARGS: not whole elements, or more than the capacity. */
MUST_CHECK zx_status_t data_pipe_set_threshold(struct data_pipe_end* end, size_t threshold);
