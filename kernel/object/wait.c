#include <object/wait.h>

#include <abi/limits.h>
#include <object/handle_table.h>
#include <sched/thread.h>

#define UNDECIDED ((zx_status_t)1)

/* One wait of one thread. The observers' callbacks run under the locks of different objects: the
 * first to come decides. */
struct waiter {
    struct thread* thread;
    _Atomic zx_status_t result;
};

/* What the thread waits for in one object. */
struct wait_entry {
    struct observer observer;
    struct waiter* waiter;
    struct object* object; /* a reference */
    zx_signals_t pending;  /* what the callbacks were told; under the object's lock */
};

static void decide(struct waiter* waiter, zx_status_t result) {
    zx_status_t expected = UNDECIDED;
    if (atomic_compare_exchange_strong_explicit(&waiter->result, &expected, result,
                                                memory_order_acq_rel, memory_order_relaxed))
        thread_unpark(waiter->thread);
}

static void on_match(struct observer* observer, zx_signals_t signals) {
    struct wait_entry* entry = CONTAINER_OF(observer, struct wait_entry, observer);
    entry->pending |= signals;
    decide(entry->waiter, ZX_OK);
}

static void on_handle_closed(struct observer* observer) {
    struct wait_entry* entry = CONTAINER_OF(observer, struct wait_entry, observer);
    entry->pending |= ZX_SIGNAL_HANDLE_CLOSED;
    decide(entry->waiter, ZX_ERR_CANCELED);
}

/* The handle is held, or the table locked: from here on whoever takes the handle away sees the
 * observer. */
static void begin_locked(struct wait_entry* entry, struct waiter* waiter,
                         const struct handle_table* table, zx_handle_t handle,
                         struct object* object, zx_signals_t signals) {
    entry->observer.trigger = signals;
    entry->observer.on_match = on_match;
    entry->observer.on_handle_closed = on_handle_closed;
    entry->observer.handle_table = table;
    entry->observer.handle = handle;
    entry->waiter = waiter;
    entry->object = object;
    entry->pending = 0;
    object_reference(object);
    object_add_observer(object, &entry->observer);
}

/* Afterwards nobody knows of the entry any more; answers what was seen in all. */
static zx_signals_t end(struct wait_entry* entry) {
    zx_signals_t signals = object_remove_observer(entry->object, &entry->observer);
    object_release(entry->object);
    return signals | entry->pending;
}

static zx_status_t result_of(const struct waiter* waiter) {
    return atomic_load_explicit(&waiter->result, memory_order_acquire);
}

/* OK once decided; TIMED_OUT, or CANCELED when the thread is killed. */
static zx_status_t park_until_decided(struct waiter* waiter, zx_time_t deadline) {
    zx_status_t status = ZX_OK;
    while (status == ZX_OK && result_of(waiter) == UNDECIDED)
        status = thread_park(deadline);
    return status;
}

/* Every observer is removed by now: what came too late to be woken for still counts. */
static zx_status_t outcome(const struct waiter* waiter, zx_status_t park_status) {
    zx_status_t result = result_of(waiter);
    return result == UNDECIDED ? park_status : result;
}

zx_status_t object_wait_one_blocking(struct handle_table* table, zx_handle_t handle,
                                     struct handle_slot* slot, zx_signals_t signals,
                                     zx_time_t deadline, zx_signals_t* observed) {
    struct waiter waiter = {.thread = thread_current(), .result = UNDECIDED};
    struct wait_entry entry;
    begin_locked(&entry, &waiter, table, handle, slot->object, signals);
    handle_let_go(slot, handle);
    zx_status_t status = park_until_decided(&waiter, deadline);
    *observed = end(&entry);
    return outcome(&waiter, status);
}

zx_status_t object_wait_one(struct handle_table* table, zx_handle_t handle, zx_rights_t rights,
                            zx_signals_t signals, zx_time_t deadline, zx_signals_t* observed) {
    struct handle_slot* slot;
    zx_status_t status = handle_hold(table, handle, ZX_OBJ_TYPE_NONE, rights, &slot);
    if (status != ZX_OK)
        return status;
    *observed = object_signals(slot->object);
    if (!(*observed & signals) && deadline > 0)
        return object_wait_one_blocking(table, handle, slot, signals, deadline, observed);
    handle_let_go(slot, handle);
    return *observed & signals ? ZX_OK : ZX_ERR_TIMED_OUT;
}

/* --- many ----------------------------------------------------------------------------------- */

/* One look at every item; `matched` tells whether some item shows what it waits for. */
static zx_status_t look_locked(const struct handle_table* table, zx_wait_item_t* items,
                               size_t count, zx_rights_t rights, zx_signals_t* matched) {
    zx_signals_t any = 0;
    for (zx_wait_item_t* item = items; item < items + count; item++) {
        struct handle_slot* slot;
        zx_status_t status =
            handle_table_check_locked(table, item->handle, ZX_OBJ_TYPE_NONE, rights, &slot);
        if (unlikely(status != ZX_OK))
            return status;
        item->pending = object_signals(slot->object);
        any |= item->pending & item->waitfor;
    }
    *matched = any;
    return ZX_OK;
}

/* Called with the table's lock held, every item looked at; drops it. */
static zx_status_t NOINLINE wait_many_blocking(struct handle_table* table, zx_wait_item_t* items,
                                               size_t count, zx_time_t deadline) {
    struct waiter waiter = {.thread = thread_current(), .result = UNDECIDED};
    struct wait_entry entries[ZX_WAIT_MANY_MAX_ITEMS];
    for (size_t i = 0; i < count; i++) {
        struct handle_slot* slot = NULL;
        (void)handle_table_find_locked(table, items[i].handle, &slot); /* looked at just now */
        begin_locked(&entries[i], &waiter, table, items[i].handle, slot->object, items[i].waitfor);
    }
    spin_unlock(&table->lock);
    zx_status_t status = park_until_decided(&waiter, deadline);
    for (size_t i = 0; i < count; i++)
        items[i].pending = end(&entries[i]);
    return outcome(&waiter, status);
}

zx_status_t object_wait_many(struct handle_table* table, zx_wait_item_t* items, size_t count,
                             zx_rights_t rights, zx_time_t deadline) {
    zx_signals_t matched;
    spin_lock(&table->lock);
    zx_status_t status = look_locked(table, items, count, rights, &matched);
    if (status == ZX_OK && !matched && deadline > 0)
        return wait_many_blocking(table, items, count, deadline);
    spin_unlock(&table->lock);
    if (status != ZX_OK)
        return status;
    return matched ? ZX_OK : ZX_ERR_TIMED_OUT;
}
