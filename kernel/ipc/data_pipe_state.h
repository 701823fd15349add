/* The state of a data pipe, for data_pipe.c and data_pipe_two_phase.c alone. All functions except
 * data_pipe_lock_end are called with the lock held. They are inline, because `is_producer` is a
 * constant in each caller. */
#pragma once

#include <abi/errors.h>
#include <abi/signals.h>
#include <object/handle_lock.h>
#include <object/object.h>
#include <sched/mutex.h>
#include <task/process.h>

struct vmo;
struct window;

/* In the first two states an end can neither write nor read. */
enum data_pipe_end_state {
    DATA_PIPE_CLOSED,    /* the last handle has gone */
    DATA_PIPE_TWO_PHASE, /* begun and not yet ended */
    DATA_PIPE_IDLE,
    DATA_PIPE_COPYING, /* a long copy is under way, by the holder of the mutex */
};

struct data_pipe_end {
    struct object object;
    struct data_pipe* pipe;
    enum data_pipe_end_state state;
    /* The next byte is at `place` in the kernel's map, `room` bytes before `run_end` in the ring.
     * `run_end` is the end of a page or of the ring. Room 0: not looked up yet. */
    char* place;
    size_t room, run_end;
    size_t offered;        /* TWO_PHASE: how many bytes begin returned */
    size_t threshold;      /* as set; 0 means one element */
    struct window* window; /* NULL: no two phases yet (data_pipe_two_phase.c) */
    struct mutex mutex;    /* for what takes long: no spinlock can be held then */
};

struct data_pipe {
    struct spinlock lock;        /* guards all of both ends, and `used` */
    _Atomic uint32_t references; /* the ends that are not destroyed */
    size_t element_size, capacity;
    size_t used; /* bytes waiting: whole elements */
    struct vmo* ring;
    struct data_pipe_end producer, consumer;
};

static inline struct data_pipe_end* data_pipe_end_from(struct object* object) {
    return CONTAINER_OF(object, struct data_pipe_end, object);
}
static inline bool data_pipe_is_producer(const struct data_pipe_end* end) {
    return end == &end->pipe->producer;
}
static ALWAYS_INLINE struct data_pipe_end* data_pipe_end_of(struct data_pipe* pipe,
                                                            bool is_producer) {
    return is_producer ? &pipe->producer : &pipe->consumer;
}

/* Looks the end up and locks it (handle_lock_object). */
MUST_CHECK static ALWAYS_INLINE zx_status_t data_pipe_lock_end(zx_handle_t handle, bool is_producer,
                                                               struct data_pipe** pipe) {
    struct object* object = NULL;
    zx_status_t status =
        is_producer ? handle_lock_object(current_handles(), handle, ZX_OBJ_TYPE_DATAPIPE_PRODUCER,
                                         ZX_RIGHT_WRITE, &object)
                    : handle_lock_object(current_handles(), handle, ZX_OBJ_TYPE_DATAPIPE_CONSUMER,
                                         ZX_RIGHT_READ, &object);
    *pipe = is_producer ? CONTAINER_OF(object, struct data_pipe, producer.object)
                        : CONTAINER_OF(object, struct data_pipe, consumer.object);
    return status;
}

/* The rule of all calls and signals. Returns whether the end can write or read, and in *available
 * how many bytes. If OK, *available is not 0. BAD_HANDLE (the handle was closed after its look-up),
 * BUSY, PEER_CLOSED, SHOULD_WAIT. */
static ALWAYS_INLINE zx_status_t data_pipe_check_locked(const struct data_pipe* pipe,
                                                        bool is_producer, size_t* available) {
    enum data_pipe_end_state state = is_producer ? pipe->producer.state : pipe->consumer.state;
    enum data_pipe_end_state peer = is_producer ? pipe->consumer.state : pipe->producer.state;
    *available = is_producer ? pipe->capacity - pipe->used : pipe->used;
    if (unlikely(state <= DATA_PIPE_TWO_PHASE))
        return state == DATA_PIPE_CLOSED ? ZX_ERR_BAD_HANDLE : ZX_ERR_2016_BUSY;
    if (is_producer && unlikely(peer == DATA_PIPE_CLOSED))
        return ZX_ERR_PEER_CLOSED;
    if (*available == 0)
        return peer == DATA_PIPE_CLOSED ? ZX_ERR_PEER_CLOSED : ZX_ERR_SHOULD_WAIT;
    return ZX_OK;
}

/* Returns the end's offset in the ring. */
static inline size_t data_pipe_offset_locked(const struct data_pipe* pipe,
                                             const struct data_pipe_end* end) {
    size_t offset = end->run_end - end->room;
    return offset < pipe->capacity ? offset : 0;
}

/* Moves the end forward by `size` bytes, at most the capacity. */
static ALWAYS_INLINE void data_pipe_move_locked(const struct data_pipe* pipe,
                                                struct data_pipe_end* end, size_t size) {
    if (size <= end->room) {
        end->place += size;
        end->room -= size;
        return;
    }
    size_t offset = data_pipe_offset_locked(pipe, end) + size;
    end->run_end = offset < pipe->capacity ? offset : offset - pipe->capacity;
    end->room = 0;
}

#define DATA_PIPE_WRITABLE (ZX_OBJECT_WRITABLE | ZX_SIGNAL_WRITE_THRESHOLD)
#define DATA_PIPE_READABLE (ZX_OBJECT_READABLE | ZX_SIGNAL_READ_THRESHOLD)

/* Shows the signals that follow from the rule. PEER_CLOSED is shown once, when it happens. */
static ALWAYS_INLINE void data_pipe_show_locked(struct data_pipe* pipe, bool is_producer) {
    struct data_pipe_end* end = data_pipe_end_of(pipe, is_producer);
    zx_signals_t ready = is_producer ? ZX_OBJECT_WRITABLE : ZX_OBJECT_READABLE;
    zx_signals_t both = is_producer ? DATA_PIPE_WRITABLE : DATA_PIPE_READABLE;
    size_t available;
    zx_status_t status = data_pipe_check_locked(pipe, is_producer, &available);
    zx_signals_t shown = 0;
    if (status == ZX_OK)
        shown = likely(available >= end->threshold) ? both : ready;
    object_update_signals_locked(&end->object, both, shown);
}

static inline void data_pipe_show_both_locked(struct data_pipe* pipe) {
    data_pipe_show_locked(pipe, true);
    data_pipe_show_locked(pipe, false);
}

/* Counts `size` bytes that were written, after data_pipe_move_locked. The producer's signals change
 * only if too little is free. */
static ALWAYS_INLINE void data_pipe_written_locked(struct data_pipe* pipe, size_t size) {
    size_t used = pipe->used += size, left = pipe->capacity - used;
    if (left == 0 || left < pipe->producer.threshold)
        data_pipe_show_locked(pipe, true);
    data_pipe_show_locked(pipe, false);
}

/* Counts `size` bytes that were read, after data_pipe_move_locked. */
static ALWAYS_INLINE void data_pipe_taken_locked(struct data_pipe* pipe, size_t size) {
    pipe->used -= size;
    data_pipe_show_locked(pipe, false);
    if (unlikely((object_signals(&pipe->producer.object) & DATA_PIPE_WRITABLE) !=
                 DATA_PIPE_WRITABLE))
        data_pipe_show_locked(pipe, true);
}
