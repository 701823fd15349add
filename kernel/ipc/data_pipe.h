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
#include <object/handle_table.h>
#include <object/object.h>
#include <sched/mutex.h>

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
    /* Where the next byte goes, or comes from: `room` bytes before `run_end` in the ring, which is
     * the end of a page or of the ring; for the kernel at `place`. No room: not looked up yet. */
    char* place;
    size_t room, run_end;
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

/* The end's place in the ring. */
static inline size_t data_pipe_offset_locked(const struct data_pipe_end* end) {
    size_t offset = end->run_end - end->room;
    return offset < end->pipe->capacity ? offset : 0;
}

/* The end's next byte is `size` bytes further on; at most the capacity. */
static ALWAYS_INLINE void data_pipe_move_locked(struct data_pipe_end* end, size_t size) {
    if (likely(size <= end->room)) {
        end->place += size;
        end->room -= size;
        return;
    }
    size_t offset = data_pipe_offset_locked(end) + size, capacity = end->pipe->capacity;
    end->run_end = offset < capacity ? offset : offset - capacity;
    end->room = 0;
}

#define DATA_PIPE_WRITABLE (ZX_OBJECT_WRITABLE | ZX_SIGNAL_WRITE_THRESHOLD)
#define DATA_PIPE_READABLE (ZX_OBJECT_READABLE | ZX_SIGNAL_READ_THRESHOLD)

/* Shows what follows from the state. PEER_CLOSED is shown once, when it happens. */
static ALWAYS_INLINE void data_pipe_show_locked(struct data_pipe_end* end, size_t available,
                                                zx_signals_t ready, zx_signals_t both) {
    zx_signals_t shown = likely(available >= end->threshold) ? both : ready;
    if (available == 0 || unlikely(end->state == DATA_PIPE_TWO_PHASE))
        shown = 0;
    object_update_signals_locked(&end->object, both, shown);
}

static ALWAYS_INLINE void data_pipe_show_producer_locked(struct data_pipe* pipe) {
    bool is_consumer_closed = pipe->consumer.state == DATA_PIPE_CLOSED;
    data_pipe_show_locked(&pipe->producer, is_consumer_closed ? 0 : pipe->capacity - pipe->used,
                          ZX_OBJECT_WRITABLE, DATA_PIPE_WRITABLE);
}

static ALWAYS_INLINE void data_pipe_show_consumer_locked(struct data_pipe* pipe) {
    data_pipe_show_locked(&pipe->consumer, pipe->used, ZX_OBJECT_READABLE, DATA_PIPE_READABLE);
}

/* `size` bytes more wait, or fewer, of which the end has moved already. The producer goes on
 * showing everything while enough is free. */
static ALWAYS_INLINE void data_pipe_written_locked(struct data_pipe* pipe, size_t size) {
    size_t used = pipe->used += size, left = pipe->capacity - used;
    if (unlikely(left == 0 || left < pipe->producer.threshold))
        data_pipe_show_producer_locked(pipe);
    data_pipe_show_consumer_locked(pipe);
}

static ALWAYS_INLINE void data_pipe_taken_locked(struct data_pipe* pipe, size_t size) {
    pipe->used -= size;
    data_pipe_show_consumer_locked(pipe);
    if (unlikely((object_signals(&pipe->producer.object) & DATA_PIPE_WRITABLE) !=
                 DATA_PIPE_WRITABLE))
        data_pipe_show_producer_locked(pipe);
}

/* Looks up place and room at the end's offset. Without memory there stays no room. */
void data_pipe_settle_locked(struct data_pipe_end* end);

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
MUST_CHECK int64_t data_pipe_begin(const struct data_pipe_request* request, struct aspace* aspace);
/* For the ops of both ends. */
struct window* data_pipe_exchange_window(struct object* object, struct window* window);

/* --- thresholds ---------------------------------------------------------------------------------
 */

size_t data_pipe_threshold(struct data_pipe_end* end);
/* INVALID_ARGS: not whole elements, or more than the capacity. */
MUST_CHECK zx_status_t data_pipe_set_threshold(struct data_pipe_end* end, size_t threshold);
