/* Waiting for signals of objects, by handle.
 *
 * Rules for waiting:
 * - The thread parks, with one observer for each object on its own stack.
 * - The wait ends when one of the wanted signals is shown (OK).
 * - It ends at the absolute deadline (TIMED_OUT). With a deadline of 0 the call only looks.
 * - It ends when one of the handles is closed, replaced or sent away (CANCELED, with HANDLE_CLOSED
 *   among the signals).
 * - It ends when the thread is killed (CANCELED).
 * - In all cases the caller gets the signals that were observed. */
#pragma once

#include <abi/types.h>
#include <lib/compiler.h>
#include <object/handle_table.h>
#include <sched/park.h>
#include <sched/thread.h>

/* --- the parts, inline for the wait on one object ------------------------------------------------
 */

/* One wait of one thread. The callbacks of its observers run under the locks of different objects.
 * The first callback decides the result, by a compare-exchange. */
struct object_waiter {
    struct thread* thread;
    _Atomic zx_status_t result;
};

#define OBJECT_WAIT_UNDECIDED ((zx_status_t)1)

/* The thread's wait on one object. */
struct wait_entry {
    struct observer observer; /* linked until it is notified */
    struct object_waiter* waiter;
    struct object* object; /* a reference */
    zx_signals_t pending;  /* the observer was notified of these; under the object's lock */
};

/* In wait.c: the observer's callbacks, and the slow path of object_wait_end, for an observer that
 * was not notified. */
void object_wait_on_match(struct observer* observer, zx_signals_t signals);
void object_wait_on_handle_closed(struct observer* observer);
zx_signals_t object_wait_leave(struct wait_entry* entry);

/* Begins to wait. The slot is held, or the table locked, so the handle is there. Code that removes
 * the handle later finds the observer. */
static inline void object_wait_begin(struct wait_entry* entry, struct object_waiter* waiter,
                                     const struct handle_table* table, zx_handle_t handle,
                                     struct handle_slot* slot, zx_signals_t signals) {
    struct object* object = slot->object;
    entry->observer.trigger = signals;
    entry->observer.on_match = object_wait_on_match;
    entry->observer.on_handle_closed = object_wait_on_handle_closed;
    entry->observer.handle_table = table;
    entry->observer.handle = handle;
    entry->waiter = waiter;
    entry->object = object;
    entry->pending = 0;
    object_reference(object);
    handle_slot_note_observer(slot);
    object_add_observer(object, &entry->observer);
}

/* Ends the wait on one object: afterwards no other thread uses the entry. Returns all signals that
 * were observed.
 *
 * A callback takes the observer out of the list, and then unparks this thread, both under the
 * object's lock. This thread may find the observer out of the list before the unpark. So it waits
 * until the lock is free: then the callback has finished. */
static inline zx_signals_t object_wait_end(struct wait_entry* entry) {
    struct object* object = entry->object;
    zx_signals_t signals;
    if (likely(!__atomic_load_n(&entry->observer.node.next, __ATOMIC_ACQUIRE))) {
        spin_wait_for_holder(object->lock);
        signals = object_signals(object);
    } else {
        signals = object_wait_leave(entry);
    }
    object_release(object);
    return signals | entry->pending;
}

/* Parks until a callback decides (OK). Else TIMED_OUT, or CANCELED when the thread is killed. A
 * token of an earlier wait ends a park, but leaves the result undecided, so the thread parks
 * again. */
static inline zx_status_t object_wait_park(struct object_waiter* waiter, enum thread_wait wait,
                                           zx_time_t deadline) {
    struct thread* thread = waiter->thread;
    zx_status_t status;
    thread->wait = (uint8_t)wait;
    do
        status = thread_park(deadline);
    while (status == ZX_OK &&
           unlikely(atomic_load_explicit(&waiter->result, memory_order_acquire) ==
                    OBJECT_WAIT_UNDECIDED));
    thread->wait = THREAD_WAIT_OTHER;
    return status;
}

/* Returns the result of the wait, after all entries have ended. A signal that came after the
 * deadline, but before the entries ended, still counts. */
static inline zx_status_t object_wait_outcome(const struct object_waiter* waiter,
                                              zx_status_t park_status) {
    zx_status_t result = atomic_load_explicit(&waiter->result, memory_order_acquire);
    return likely(result != OBJECT_WAIT_UNDECIDED) ? result : park_status;
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* Blocks on an object that shows none of `signals`. The slot of the handle is held, and is let go
 * here. */
MUST_CHECK static inline zx_status_t
object_wait_one_blocking(struct handle_table* table, zx_handle_t handle, struct handle_slot* slot,
                         zx_signals_t signals, zx_time_t deadline, zx_signals_t* observed) {
    struct object_waiter waiter = {.thread = thread_current(), .result = OBJECT_WAIT_UNDECIDED};
    struct wait_entry entry;
    object_wait_begin(&entry, &waiter, table, handle, slot, signals);
    handle_let_go(slot, handle);
    zx_status_t status = object_wait_park(&waiter, THREAD_WAIT_ONE, deadline);
    *observed = object_wait_end(&entry);
    return object_wait_outcome(&waiter, status);
}

/* Waits for one object. BAD_HANDLE and ACCESS_DENIED (the handle lacks `rights`) are returned
 * before anything else, and leave `observed` alone. */
MUST_CHECK zx_status_t object_wait_one(struct handle_table* table, zx_handle_t handle,
                                       zx_rights_t rights, zx_signals_t signals, zx_time_t deadline,
                                       zx_signals_t* observed);
/* Waits for at most ZX_WAIT_MANY_MAX_ITEMS objects; without items the thread only sleeps. Fills in
 * every `pending`. Errors as those of object_wait_one, for the leftmost faulty item. Then only some
 * `pending` are filled in. */
MUST_CHECK zx_status_t object_wait_many(struct handle_table* table, zx_wait_item_t* items,
                                        size_t count, zx_rights_t rights, zx_time_t deadline);
