/* The base of every kernel object.
 *
 * Two counts. `references` keeps the memory: handles, messages holding handles, mappings, running
 * calls. `handle_count` counts handles in tables and in messages: when it falls to 0 the object's
 * on_zero_handles runs (a channel end tells its peer). When `references` falls to 0 the object goes
 * to the releasing thread's destroy list, which the thread drains at its outermost level
 * (object_release from inside a destructor only appends): so a chain of objects of any length dies
 * in constant stack, and is gone when the call that released it returns.
 *
 * `lock` guards the signals, the observers and the type's own state. The ends of a peered object
 * share one lock (struct peer_lock); every other object uses its own. No operation takes two OBJECT
 * locks.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/objects.h>
#include <abi/rights.h>
#include <abi/signals.h>
#include <abi/types.h>
#include <arch/keeping_call.h>
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
    zx_signals_t user_signals; /* which signals object_signal may change; 0: none */
    /* The last handle went away. No lock held; may block. NULL: nothing to do. */
    void (*on_zero_handles)(struct object*);
    /* A handle went away, others stay, and may_hold_handles is set. No lock held. */
    void (*on_handle_released)(struct object*);
    /* After a handle went away, or an object was destroyed: looks for objects of the type that only
     * keep each other alive. No lock held. NULL: they cannot. */
    void (*collect)(void);
    /* Frees the memory. No lock held. */
    void (*destroy)(struct object*);
    /* Under the lock: the other end, borrowed; NULL when it is gone. NULL: the type has no peers.
     */
    struct object* (*peer_locked)(struct object*);
    /* The koid of the other end, also when that is gone; a process's job; a thread's process. NULL:
     * the type is related to none. */
    zx_koid_t (*related_koid)(const struct object*);
    /* Where the name is kept, ZX_MAX_NAME_LEN bytes, guarded by the object's lock. NULL: on the
     * heap, once it was set. */
    char* (*name_buffer)(struct object*);
    /* For a type whose objects have one handle each: puts `window` in the place of the one through
     * which the handle's process sees the object, and answers that; NULL is none. Called with the
     * table's lock held, as the handle leaves in a message or comes back, if the table's
     * may_have_windows is set. NULL: the type has none. */
    struct window* (*exchange_window)(struct object*, struct window* window);
};

struct object {
    const struct object_ops* ops;
    struct spinlock* lock;
    _Atomic uint32_t references;
    _Atomic uint32_t handle_count;
    union {
        struct {
            /* A message end through whose pair handles went since the collector saw none
             * (its ops' collect). */
            _Atomic bool may_hold_handles;
            _Atomic bool is_last_handle_awaited; /* see object_last_handle_signal */
        };
        _Atomic uint16_t release_work; /* both: not 0 when the end of a handle means more */
    };
    struct spinlock own_lock;
    _Atomic zx_signals_t signals; /* written under `lock` */
    struct list observers;        /* under `lock` */
    zx_signals_t awaited;         /* all that observers wait for, or more; under `lock` */
    zx_koid_t koid;
    union {
        char* name;                  /* of a type without name_buffer: NULL, or on the heap */
        struct object* destroy_next; /* in a destroy_list, once `references` is 0 */
    };
};

/* A lock shared by the two ends of a peered object, each of which holds a reference to it. */
struct peer_lock {
    struct spinlock lock;
    _Atomic uint32_t references;
    zx_koid_t koids; /* of both ends, exclusive-ored: each finds the other's by its own */
};
struct peer_lock* peer_lock_create(uint32_t references); /* NULL: no memory */
void peer_lock_release(struct peer_lock* lock);
/* For the ops of the ends' types. */
zx_koid_t peer_lock_related_koid(const struct object* end);

/* The ends, initialized with the lock; before anybody else knows them. */
static inline void peer_lock_set_ends(struct peer_lock* lock, const struct object* end0,
                                      const struct object* end1) {
    lock->koids = end0->koid ^ end1->koid;
}

/* One reference for the caller, no handles. `shared_lock` NULL: the object's own. */
void object_init(struct object* object, const struct object_ops* ops, struct spinlock* shared_lock,
                 zx_signals_t signals);

static inline void object_reference(struct object* object) {
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}
/* For lists that do not hold references: false when the object is on its way to destruction. */
static inline bool object_try_reference(struct object* object) {
    uint32_t count = atomic_load_explicit(&object->references, memory_order_relaxed);
    while (count > 0)
        if (atomic_compare_exchange_weak(&object->references, &count, count + 1))
            return true;
    return false;
}
void object_release_last(struct object* object);
static inline void object_release(struct object* object) {
    if (atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) == 1)
        object_release_last(object);
}

/* Objects whose last reference is gone, in the order they went; of one thread. */
struct destroy_list {
    struct object* first;
    struct object* last;
};
/* Between _begin and _end what this thread releases last is not destroyed, but joins `list`. There
 * _destroy_gathered destroys the first of the list, if there is one. */
void object_gather_begin(struct destroy_list* list);
bool object_destroy_gathered(struct destroy_list* list);
void object_gather_end(void);

/* A handle comes to be, which holds a reference of its own besides; handle_release ends it. */
static inline void object_handle_added(struct object* object) {
    atomic_fetch_add_explicit(&object->handle_count, 1, memory_order_relaxed);
}
static inline bool object_may_hold_handles(const struct object* object) {
    return atomic_load_explicit(&object->may_hold_handles, memory_order_relaxed);
}
static inline bool object_has_release_work(const struct object* object) {
    return atomic_load_explicit(&object->release_work, memory_order_relaxed) != 0;
}

/* --- signals and waiting ------------------------------------------------------------------- */

/* A node in an object's list, on the waiter's stack or in a longer-lived registration. */
struct observer {
    struct list_node node;
    zx_signals_t trigger;
    /* Under the object's lock: some signal of `trigger` is now shown. */
    void (*on_match)(struct observer* observer, zx_signals_t signals);
    /* Under the object's lock: the handle value through which this was registered was closed,
     * replaced or sent away. NULL: does not care. */
    void (*on_handle_closed)(struct observer* observer);
    /* Which handle: compared when a handle goes. */
    const void* handle_table;
    zx_handle_t handle;
};

static inline zx_signals_t object_signals(const struct object* object) {
    return atomic_load_explicit(&object->signals, memory_order_acquire);
}

/* LAST_HANDLE is shown while there is exactly one handle. So that duplicate and close need not keep
 * it up to date, it is not among `signals`, but made from the count for those who ask for it:
 *
 *   1. An observer that waits for it sets is_last_handle_awaited, then looks at the count.
 *   2. The end of a handle lowers the count, then looks at is_last_handle_awaited.
 *
 * At least one of the two sees the other, because both first steps are full barriers. */
static inline zx_signals_t object_last_handle_signal(const struct object* object) {
    bool is_last = atomic_load_explicit(&object->handle_count, memory_order_relaxed) == 1;
    return is_last ? ZX_SIGNAL_LAST_HANDLE : 0;
}
/* What is shown to somebody who waits for `wanted`. */
static inline zx_signals_t object_signals_for(const struct object* object, zx_signals_t wanted) {
    zx_signals_t signals = object_signals(object);
    return unlikely(wanted & ZX_SIGNAL_LAST_HANDLE) ? signals | object_last_handle_signal(object)
                                                    : signals;
}
/* Step 1, under the lock; returns the signal if it is shown. */
zx_signals_t object_await_last_handle_locked(struct object* object);
/* Step 2. A handle has gone; the caller has a reference. */
void object_notify_last_handle(struct object* object);

void object_notify_observers_locked(struct object* object, zx_signals_t signals);
static inline void object_add_observer_locked(struct object* object, struct observer* observer) {
    object->awaited |= observer->trigger;
    list_push_back(&object->observers, &observer->node);
}
/* Under the object's lock: changes signals and tells the observers whose trigger now matches.
 * They are not looked through for a signal that none of them waits for. */
static inline void object_update_signals_locked(struct object* object, zx_signals_t clear,
                                                zx_signals_t set) {
    zx_signals_t old = atomic_load_explicit(&object->signals, memory_order_relaxed);
    zx_signals_t now = (old & ~clear) | set;
    if (now == old)
        return;
    atomic_store_explicit(&object->signals, now, memory_order_release);
    if (object->awaited & set) /* what was shown before has been told before */
        CALL_KEEPING_2(object_notify_observers_locked, object, now);
}
static inline void object_update_signals(struct object* object, zx_signals_t clear,
                                         zx_signals_t set) {
    spin_lock(object->lock);
    object_update_signals_locked(object, clear, set);
    spin_unlock(object->lock);
}

/* Registers; calls on_match at once when it already matches. The handle is held, or its table
 * locked, which makes sure that it is still there: whoever removes it from now on sees the
 * observer. */
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
/* The handle `value` of `table` no longer names the object: cancels its observers. The caller has a
 * reference and removed the handle before. */
void object_handle_observers_cancel(struct object* object, const void* table, zx_handle_t value);
/* Without the lock; for the debugger and tests. */
static inline bool object_has_observers(const struct object* object) {
    return !list_is_empty(&object->observers);
}

/* --- names -----------------------------------------------------------------------------------
 */

/* Copies the name, which is empty until it is set, to ZX_MAX_NAME_LEN bytes. */
void object_get_name(struct object* object, char* name);
/* `name` has ZX_MAX_NAME_LEN bytes, zeros at its end. NO_MEMORY. */
MUST_CHECK zx_status_t object_set_name(struct object* object, const char* name);

size_t object_count(void); /* live objects of every type */
const char* object_type_name(zx_obj_type_t type);
