/* The quick ways through a data pipe, for the usual case: no flags, user memory present, nothing
 * that needs looking up. Inline, so that each call is compiled with its side known.
 *
 * One that answers that nothing was done leaves a lock, `*held`, to its caller, who hands it on to
 * the long way (ipc/data_pipe.h), which will tell why. So a quick way that succeeds calls no
 * function while its arguments are still needed, and saves no registers for that. */
#pragma once

#include <arch/user_copy.h>
#include <mm/window.h>
#include <ipc/data_pipe.h>

/* The end that `handle` names, locked; or BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED, the table locked.
 * No reference is needed: whoever closes the handle needs the end's lock before the end can go. */
MUST_CHECK static ALWAYS_INLINE zx_status_t data_pipe_find(struct handle_table* table,
                                                           zx_handle_t handle, zx_obj_type_t type,
                                                           zx_rights_t right,
                                                           struct data_pipe_end** end,
                                                           struct spinlock** held) {
    struct handle_slot* slot;
    preempt_disable();
    zx_status_t status = handle_hold_inner(table, handle, type, right, &slot);
    if (unlikely(status != ZX_OK)) {
        *held = &table->lock;
        spin_lock_inner(*held);
        return status;
    }
    *end = data_pipe_end_from(slot->object);
    *held = (*end)->object.lock;
    spin_lock_inner(*held);
    handle_let_go_outer(slot, handle);
    return ZX_OK;
}

MUST_CHECK static ALWAYS_INLINE zx_status_t data_pipe_find_producer(struct handle_table* table,
                                                                    zx_handle_t handle,
                                                                    struct data_pipe** pipe,
                                                                    struct spinlock** held) {
    struct data_pipe_end* end = NULL;
    zx_status_t status =
        data_pipe_find(table, handle, ZX_OBJ_TYPE_DATAPIPE_PRODUCER, ZX_RIGHT_WRITE, &end, held);
    *pipe = CONTAINER_OF(end, struct data_pipe, producer);
    return status;
}

MUST_CHECK static ALWAYS_INLINE zx_status_t data_pipe_find_consumer(struct handle_table* table,
                                                                    zx_handle_t handle,
                                                                    struct data_pipe** pipe,
                                                                    struct spinlock** held) {
    struct data_pipe_end* end = NULL;
    zx_status_t status =
        data_pipe_find(table, handle, ZX_OBJ_TYPE_DATAPIPE_CONSUMER, ZX_RIGHT_READ, &end, held);
    *pipe = CONTAINER_OF(end, struct data_pipe, consumer);
    return status;
}

/* --- copying ---------------------------------------------------------------------------------- */

static ALWAYS_INLINE void data_pipe_step_locked(struct data_pipe_end* end, size_t size) {
    end->place += size;
    end->room -= size;
    if (unlikely(end->room == 0))
        data_pipe_settle_locked(end);
}

/* True: all of it was written, in one page. */
MUST_CHECK static ALWAYS_INLINE bool data_pipe_write_quickly(struct handle_table* table,
                                                             zx_handle_t handle, size_t size,
                                                             uintptr_t from_user,
                                                             struct spinlock** held) {
    struct data_pipe* pipe;
    if (unlikely(data_pipe_find_producer(table, handle, &pipe, held) != ZX_OK))
        return false;
    struct data_pipe_end* end = &pipe->producer;
    if (unlikely(end->state != DATA_PIPE_IDLE) ||
        unlikely(pipe->consumer.state == DATA_PIPE_CLOSED) ||
        unlikely(size > pipe->capacity - pipe->used) || unlikely(size > end->room) ||
        unlikely(size % pipe->element_size != 0) ||
        unlikely(!user_copy_in_small(end->place, from_user, size)))
        return false;
    data_pipe_step_locked(end, size);
    data_pipe_written_locked(pipe, size);
    spin_unlock(&pipe->lock);
    return true;
}

/* True: all of it was read, from one page; it is not nothing. */
MUST_CHECK static ALWAYS_INLINE bool data_pipe_read_quickly(struct handle_table* table,
                                                            zx_handle_t handle, size_t size,
                                                            uintptr_t to_user,
                                                            struct spinlock** held) {
    struct data_pipe* pipe;
    if (unlikely(data_pipe_find_consumer(table, handle, &pipe, held) != ZX_OK))
        return false;
    struct data_pipe_end* end = &pipe->consumer;
    if (unlikely(end->state != DATA_PIPE_IDLE) || unlikely(size > pipe->used) ||
        unlikely(size > end->room) || unlikely(size % pipe->element_size != 0) ||
        unlikely(!user_copy_out_with_words(to_user, end->place, size, 0, 0, 0, 0)))
        return false;
    data_pipe_step_locked(end, size);
    data_pipe_taken_locked(pipe, size);
    spin_unlock(&pipe->lock);
    return true;
}

/* --- two phases --------------------------------------------------------------------------------
 */

/* Offers what lies in one run, at the address that is written to user memory; false: that cannot be
 * written. The end has a window, and something is available. */
MUST_CHECK static ALWAYS_INLINE bool data_pipe_offer_locked(struct data_pipe_end* end,
                                                            size_t available, zx_signals_t ready,
                                                            uintptr_t address_out,
                                                            size_t* offered) {
    size_t capacity = end->pipe->capacity, offset = data_pipe_offset_locked(end);
    size_t run = MIN(available, capacity - offset);
    if (unlikely(!user_write_size(address_out, end->window->base + offset)))
        return false;
    *offered = end->offered = run;
    end->state = DATA_PIPE_TWO_PHASE;
    object_update_signals_locked(&end->object, ready, 0);
    return true;
}

static ALWAYS_INLINE bool data_pipe_has_whole_window(const struct data_pipe_end* end) {
    return likely(end->window) && likely(window_is_whole(end->window));
}

/* True: `*offered` bytes are. */
MUST_CHECK static ALWAYS_INLINE bool
data_pipe_begin_write_quickly(struct handle_table* table, zx_handle_t handle, uintptr_t address_out,
                              size_t* offered, struct spinlock** held) {
    struct data_pipe* pipe;
    if (unlikely(data_pipe_find_producer(table, handle, &pipe, held) != ZX_OK))
        return false;
    struct data_pipe_end* end = &pipe->producer;
    size_t available = pipe->capacity - pipe->used;
    if (unlikely(end->state != DATA_PIPE_IDLE) ||
        unlikely(pipe->consumer.state == DATA_PIPE_CLOSED) || unlikely(available == 0) ||
        !data_pipe_has_whole_window(end) ||
        !data_pipe_offer_locked(end, available, DATA_PIPE_WRITABLE, address_out, offered))
        return false;
    spin_unlock(&pipe->lock);
    return true;
}

MUST_CHECK static ALWAYS_INLINE bool
data_pipe_begin_read_quickly(struct handle_table* table, zx_handle_t handle, uintptr_t address_out,
                             size_t* offered, struct spinlock** held) {
    struct data_pipe* pipe;
    if (unlikely(data_pipe_find_consumer(table, handle, &pipe, held) != ZX_OK))
        return false;
    struct data_pipe_end* end = &pipe->consumer;
    size_t available = pipe->used;
    if (unlikely(end->state != DATA_PIPE_IDLE) || unlikely(available == 0) ||
        !data_pipe_has_whole_window(end) ||
        !data_pipe_offer_locked(end, available, DATA_PIPE_READABLE, address_out, offered))
        return false;
    spin_unlock(&pipe->lock);
    return true;
}

/* `size` bytes of the run were written, or are done with; none when the call fails. OK;
 * BAD_STATE: nothing was begun; INVALID_ARGS: more than was offered, or no whole elements. */
static ALWAYS_INLINE zx_status_t data_pipe_finish_locked(struct data_pipe_end* end, size_t size) {
    if (unlikely(end->state != DATA_PIPE_TWO_PHASE))
        return ZX_ERR_BAD_STATE;
    end->state = DATA_PIPE_IDLE;
    if (unlikely(size > end->offered || size % end->pipe->element_size != 0))
        return ZX_ERR_INVALID_ARGS;
    data_pipe_move_locked(end, size);
    return ZX_OK;
}

MUST_CHECK static ALWAYS_INLINE zx_status_t data_pipe_end_write(struct handle_table* table,
                                                                zx_handle_t handle, size_t size) {
    struct data_pipe* pipe;
    struct spinlock* held;
    zx_status_t status = data_pipe_find_producer(table, handle, &pipe, &held);
    if (unlikely(status != ZX_OK)) {
        spin_unlock(held);
        return status;
    }
    status = data_pipe_finish_locked(&pipe->producer, size);
    if (likely(status == ZX_OK)) {
        pipe->used += size;
        data_pipe_show_consumer_locked(pipe);
    }
    data_pipe_show_producer_locked(pipe);
    spin_unlock(&pipe->lock);
    return status;
}

MUST_CHECK static ALWAYS_INLINE zx_status_t data_pipe_end_read(struct handle_table* table,
                                                               zx_handle_t handle, size_t size) {
    struct data_pipe* pipe;
    struct spinlock* held;
    zx_status_t status = data_pipe_find_consumer(table, handle, &pipe, &held);
    if (unlikely(status != ZX_OK)) {
        spin_unlock(held);
        return status;
    }
    status = data_pipe_finish_locked(&pipe->consumer, size);
    data_pipe_taken_locked(pipe, likely(status == ZX_OK) ? size : 0);
    spin_unlock(&pipe->lock);
    return status;
}
