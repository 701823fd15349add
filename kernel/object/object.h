/* The base of every kernel object.
 *
 * Rules for objects:
 * - `references` keeps the memory: of handles, messages that hold handles, mappings, running calls.
 * - `handle_count` counts handles in tables and in messages. When it becomes 0, on_zero_handles
 *   runs. For example, a channel end shows PEER_CLOSED at its peer.
 * - `lock` guards the signals, the observers and the type's own state. The two ends of a pair share
 *   one lock (struct peer_lock); every other object uses its own. No operation takes two OBJECT
 *   locks.
 * - A destructor may release other objects. An object whose last reference goes is appended to the
 *   thread's destroy list. The outermost object_release destroys those in a loop. So a chain of
 *   objects of any length dies in constant stack, before the call that released it returns. A
 *   thread that is killed meanwhile leaves the rest to the cleaner. So does the collector of
 *   cycles. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/objects.h>
#include <abi/rights.h>
#include <abi/signals.h>
#include <abi/types.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lock/spinlock.h>

struct object;
struct observer;
struct window;

struct object_ops {
    zx_obj_type_t type;
    const char* name;
    zx_rights_t default_rights;
    zx_signals_t user_signals; /* the signals that zx_object_signal may change; 0: none */
    /* The last handle was closed. No lock held; may block. NULL: nothing to do. */
    void (*on_zero_handles)(struct object*);
    /* A handle was closed, others stay, and may_hold_handles is set. No lock held. */
    void (*on_handle_released)(struct object*);
    /* Frees the memory. A type has one of these two functions. No lock held. `destroy` does little
     * work. `destroy_some` may have much to do: it spends units, and returns true if it must be
     * called again. */
    void (*destroy)(struct object*);
    bool (*destroy_some)(struct object*, int64_t* units);
    /* Returns the peer, borrowed; NULL: it is closed. The lock is held. The function is NULL if the
     * type has no pairs. */
    struct object* (*peer_locked)(struct object*);
    /* Returns the koid of the peer (even if that is closed), of a process's job, or of a thread's
     * process. NULL: the type has none of these. */
    zx_koid_t (*related_koid)(const struct object*);
    /* Returns the buffer for the name, ZX_MAX_NAME_LEN bytes, guarded by the object's lock. NULL:
     * the name is on the heap, once it is set. */
    char* (*name_buffer)(struct object*);
    /* For a type whose objects have one handle each: replaces the window through which the handle's
     * process sees the object. Returns the old window; NULL stands for no window. Called with the
     * table's lock held when the handle leaves in a message, or comes back, if the table's
     * may_have_windows is set. NULL: the type has no windows. */
    struct window* (*exchange_window)(struct object*, struct window* window);
};

struct object {
    const struct object_ops* ops;
    struct spinlock* lock;
    _Atomic uint32_t references;
    _Atomic uint32_t handle_count;
    union {
        struct {
            /* For a message end: handles were sent through its pair since the collector last found
             * none there (object_set_collector). */
            _Atomic bool may_hold_handles;
            _Atomic bool is_last_handle_awaited; /* see object_last_handle_signal */
        };
        _Atomic uint16_t release_work; /* both flags: not 0 if closing a handle needs more work */
    };
    struct spinlock own_lock;
    _Atomic zx_signals_t signals; /* written under `lock`, read without */
    struct list observers;        /* under `lock` */
    zx_signals_t awaited;         /* at least all signals that observers wait for; under `lock` */
    zx_koid_t koid;
    union {
        char* name;                  /* for a type without name_buffer: on the heap, or NULL */
        struct object* destroy_next; /* the next in a destroy_list, once `references` is 0 */
    };
};

/* The lock that the two ends of a pair share. Each end holds a reference to it. */
struct peer_lock {
    struct spinlock lock;
    _Atomic uint32_t references;
    /* the koids of both ends, exclusive-ored: each end finds its peer's from its own */
    zx_koid_t koids;
};
/* For object_pair.h: the lock comes with two references. NULL: no memory. */
struct peer_lock* peer_lock_create(void);
void peer_lock_release(struct peer_lock* lock);
static inline struct peer_lock* peer_lock_of(const struct object* end) {
    return CONTAINER_OF(end->lock, struct peer_lock, lock);
}
/* The related_koid operation of types with pairs. */
zx_koid_t peer_lock_related_koid(const struct object* end);

/* Initializes the object: one reference for the caller, no handles. `shared_lock` NULL: the object
 * uses its own lock. */
void object_init(struct object* object, const struct object_ops* ops, struct spinlock* shared_lock,
                 zx_signals_t signals);

/* Relaxed: the caller has a reference, or a lock that keeps the object. */
static inline void object_reference(struct object* object) {
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}
/* Takes a reference to an object found in a list that holds none. The list's lock keeps the memory.
 * False: the last reference is gone, and the object is about to be destroyed. */
static inline bool object_try_reference(struct object* object) {
    uint32_t count = atomic_load_explicit(&object->references, memory_order_relaxed);
    while (count > 0)
        if (atomic_compare_exchange_weak(&object->references, &count, count + 1))
            return true;
    return false;
}
/* The collector looks for objects that only keep each other alive. Code that notes a suspect sets
 * the flag; the collector clears it. The collector runs after a handle was closed or an object
 * destroyed, with no lock held. The flag is only a hint, so it is read and written with relaxed
 * order. */
extern _Atomic bool object_collection_is_due;
void object_set_collector(void (*collect)(void)); /* called once, before the first program runs */
void object_collect(void);
static inline void object_collect_if_due(void) {
    if (unlikely(atomic_load_explicit(&object_collection_is_due, memory_order_relaxed)))
        object_collect();
}

void object_release_last(struct object* object);
/* memory_order_acq_rel: the thread that drops the last reference sees all writes of the threads
 * that dropped theirs before. */
static inline void object_release(struct object* object) {
    if (atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) == 1)
        object_release_last(object);
}

/* Objects whose last references one thread has dropped, in the order in which it did. */
struct destroy_list {
    struct object* first;
    struct object* last;
};
/* Between _begin and _end, an object whose last reference this thread drops is not destroyed, but
 * appended to `list`. */
void object_gather_begin(struct destroy_list* list);
void object_gather_end(void);
/* Destroys objects of the list until the units are used up. This thread gathers into the list.
 * True: there are more. */
bool object_destroy_some(struct destroy_list* list, int64_t* units);
/* Leaves the objects of the list to the cleaner, and a collection that is due. */
void object_leave_to_cleaner(struct destroy_list* list);
/* Waits until the cleaner has destroyed all objects that were left to it before this call, and all
 * objects that only these kept alive. Returns early if the caller is killed. */
void object_await_cleaner(void);

/* Counts a new handle. The handle also takes over a reference; handle_release drops both. Relaxed:
 * the caller has that reference. */
static inline void object_handle_added(struct object* object) {
    atomic_fetch_add_explicit(&object->handle_count, 1, memory_order_relaxed);
}
/* The next two are read after the handle count was lowered. handle_table_inline.h and
 * message_end_queue.h say why relaxed loads are enough. */
static inline bool object_may_hold_handles(const struct object* object) {
    return atomic_load_explicit(&object->may_hold_handles, memory_order_relaxed);
}
static inline bool object_has_release_work(const struct object* object) {
    return atomic_load_explicit(&object->release_work, memory_order_relaxed) != 0;
}

/* --- signals and waiting ------------------------------------------------------------------- */

/* A node in an object's list of observers. It lies on the waiter's stack, or in a registration that
 * lives longer. */
struct observer {
    struct list_node node;
    zx_signals_t trigger;
    /* A signal of `trigger` is shown now. The object's lock is held. */
    void (*on_match)(struct observer* observer, zx_signals_t signals);
    /* The handle through which the observer was registered was closed, replaced or sent away. The
     * object's lock is held. NULL: no call. */
    void (*on_handle_closed)(struct observer* observer);
    /* The handle through which this was registered. */
    const void* handle_table;
    zx_handle_t handle;
};

/* Acquire: a thread that sees a signal sees what was written before it was shown. */
static inline zx_signals_t object_signals(const struct object* object) {
    return atomic_load_explicit(&object->signals, memory_order_acquire);
}

/* LAST_HANDLE is shown while there is exactly one handle. It is not kept in `signals`, so that
 * duplicate and close need not update it. It is computed from the handle count for threads that
 * wait for it:
 *
 *   1. A new observer sets is_last_handle_awaited, then looks at the handle count.
 *   2. Closing a handle lowers the count, then looks at is_last_handle_awaited.
 *
 * The first write of each step is a full barrier, so at least one of the two threads sees the
 * other's. */
static inline zx_signals_t object_last_handle_signal(const struct object* object) {
    bool is_last = atomic_load_explicit(&object->handle_count, memory_order_relaxed) == 1;
    return is_last ? ZX_SIGNAL_LAST_HANDLE : 0;
}
/* Returns the signals that are shown to a thread that waits for `wanted`. */
static inline zx_signals_t object_signals_for(const struct object* object, zx_signals_t wanted) {
    zx_signals_t signals = object_signals(object);
    return unlikely(wanted & ZX_SIGNAL_LAST_HANDLE) ? signals | object_last_handle_signal(object)
                                                    : signals;
}
/* Step 1, under the lock. Returns LAST_HANDLE if it is shown, else 0. */
zx_signals_t object_await_last_handle_locked(struct object* object);
/* The slow path of step 2: a handle was closed. The caller has a reference. */
void object_notify_last_handle(struct object* object);

/* Calls on_match of each observer that waits for one of `signals`. */
void object_notify_observers_locked(struct object* object, zx_signals_t signals);
static inline void object_add_observer_locked(struct object* object, struct observer* observer) {
    object->awaited |= observer->trigger;
    list_push_back(&object->observers, &observer->node);
}
/* Changes signals and notifies the observers whose trigger matches now. The object's lock is held.
 * The list is not walked for signals that no observer waits for. */
static inline void object_update_signals_locked(struct object* object, zx_signals_t clear,
                                                zx_signals_t set) {
    zx_signals_t old = atomic_load_explicit(&object->signals, memory_order_relaxed);
    zx_signals_t now = (old & ~clear) | set;
    if (now == old)
        return;
    atomic_store_explicit(&object->signals, now, memory_order_release); /* see object_signals */
    if (object->awaited & set) /* observers of older signals were notified when those were set */
        object_notify_observers_locked(object, now);
}
static inline void object_update_signals(struct object* object, zx_signals_t clear,
                                         zx_signals_t set) {
    spin_lock(object->lock);
    object_update_signals_locked(object, clear, set);
    spin_unlock(object->lock);
}

/* Registers the observer, and calls on_match at once if it matches already. The handle's slot is
 * held, or its table locked. So the handle is still there, and code that removes the handle later
 * finds the observer. */
static inline void object_add_observer(struct object* object, struct observer* observer) {
    spin_lock_inner(object->lock);
    object_add_observer_locked(object, observer);
    zx_signals_t signals = object_signals(object);
    if (unlikely(observer->trigger & ZX_SIGNAL_LAST_HANDLE))
        signals |= object_await_last_handle_locked(object);
    if (unlikely(observer->trigger & signals))
        observer->on_match(observer, signals);
    spin_unlock_inner(object->lock);
}
/* Cancels the observers that were registered through `value` of `table`, which no longer names the
 * object. The caller has a reference and has removed the handle. */
void object_handle_observers_cancel(struct object* object, const void* table, zx_handle_t value);

/* --- names -----------------------------------------------------------------------------------
 */

/* Copies the name to `name`, which has ZX_MAX_NAME_LEN bytes. The name is empty until it is set. */
void object_get_name(struct object* object, char* name);
/* Sets the name. `name` has ZX_MAX_NAME_LEN bytes and ends in zeros. NO_MEMORY. */
MUST_CHECK zx_status_t object_set_name(struct object* object, const char* name);

size_t object_count(void); /* all objects that exist */
