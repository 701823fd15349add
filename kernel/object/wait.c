#include <object/wait.h>

#include <abi/limits.h>

/* Only the first callback changes the result and unparks the thread. The exchange pairs with the
 * acquire loads of `result` in wait.h.
 *
 * The waiter may return as soon as its observer is out of the list and the lock is free. So this
 * function does not touch the entry after list_remove, nor the waiter after the unpark. */
static void leave_and_decide(struct observer* observer, zx_signals_t signals, zx_status_t result) {
    struct wait_entry* entry = CONTAINER_OF(observer, struct wait_entry, observer);
    struct object_waiter* waiter = entry->waiter;
    zx_status_t expected = OBJECT_WAIT_UNDECIDED;
    entry->pending |= signals;
    list_remove(&observer->node);
    if (atomic_compare_exchange_strong_explicit(&waiter->result, &expected, result,
                                                memory_order_acq_rel, memory_order_relaxed))
        thread_unpark(waiter->thread);
}

void object_wait_on_match(struct observer* observer, zx_signals_t signals) {
    leave_and_decide(observer, signals, ZX_OK);
}

void object_wait_on_handle_closed(struct observer* observer) {
    leave_and_decide(observer, ZX_SIGNAL_HANDLE_CLOSED, ZX_ERR_CANCELED);
}

/* No callback runs while this thread has the lock. So the observer is either still linked or was
 * notified completely. */
zx_signals_t object_wait_leave(struct wait_entry* entry) {
    struct object* object = entry->object;
    spin_lock(object->lock);
    if (list_node_is_linked(&entry->observer.node))
        list_remove(&entry->observer.node);
    zx_signals_t signals = object_signals(object);
    spin_unlock(object->lock);
    return signals;
}

zx_status_t object_wait_one(struct handle_table* table, zx_handle_t handle, zx_rights_t rights,
                            zx_signals_t signals, zx_time_t deadline, zx_signals_t* observed) {
    struct handle_slot* slot;
    zx_status_t status = handle_hold(table, handle, ZX_OBJ_TYPE_NONE, rights, &slot);
    if (status != ZX_OK)
        return status;
    *observed = object_signals_for(slot->object, signals);
    if (!(*observed & signals) && deadline > 0)
        return object_wait_one_blocking(table, handle, slot, signals, deadline, observed);
    handle_let_go(slot, handle);
    return *observed & signals ? ZX_OK : ZX_ERR_TIMED_OUT;
}

/* --- many ----------------------------------------------------------------------------------- */

/* Adds LAST_HANDLE to the items that wait for it. Returns the signals that some item waits for and
 * that are shown. */
static NOINLINE zx_signals_t look_for_last_handle_locked(const struct handle_table* table,
                                                         zx_wait_item_t* items, size_t count) {
    zx_signals_t any = 0;
    for (zx_wait_item_t* item = items; item < items + count; item++) {
        struct handle_slot* slot;
        if (!handle_table_find_locked(table, item->handle, &slot))
            continue;
        item->pending = object_signals_for(slot->object, item->waitfor);
        any |= item->pending & item->waitfor;
    }
    return any;
}

/* Looks at every item. *matched: the signals that some item waits for and that are shown. */
static zx_status_t look_at_items_locked(const struct handle_table* table, zx_wait_item_t* items,
                                        size_t count, zx_rights_t rights, zx_signals_t* matched) {
    const struct handle_chunks chunks = handle_table_chunks(table);
    zx_signals_t any = 0, wanted = 0;
    for (zx_wait_item_t* item = items; item < items + count; item++) {
        const struct handle_slot* slot = handle_slot_of(chunks, item->handle);
        if (unlikely(!handle_slot_is_used_locked(slot, item->handle)))
            return ZX_ERR_BAD_HANDLE;
        zx_status_t status = handle_slot_check(slot, ZX_OBJ_TYPE_NONE, rights);
        if (status != ZX_OK)
            return status;
        item->pending = object_signals(slot->object);
        any |= item->pending & item->waitfor;
        wanted |= item->waitfor;
    }
    if (unlikely(wanted & ZX_SIGNAL_LAST_HANDLE))
        any = look_for_last_handle_locked(table, items, count);
    *matched = any;
    return ZX_OK;
}

/* Registers all observers and blocks. The table's lock is held, and dropped here. The caller has
 * looked at all items in the same lock hold. So no handle can be closed between the look and the
 * registration. */
static zx_status_t NOINLINE wait_many_blocking(struct handle_table* table, zx_wait_item_t* items,
                                               size_t count, zx_time_t deadline) {
    struct object_waiter waiter = {.thread = thread_current(), .result = OBJECT_WAIT_UNDECIDED};
    struct wait_entry entries[ZX_WAIT_MANY_MAX_ITEMS];
    for (size_t i = 0; i < count; i++) {
        struct handle_slot* slot = NULL;
        /* cannot fail: look_at_items_locked found it */
        (void)handle_table_find_locked(table, items[i].handle, &slot);
        object_wait_begin(&entries[i], &waiter, table, items[i].handle, slot, items[i].waitfor);
    }
    spin_unlock(&table->lock);
    zx_status_t status = object_wait_park(&waiter, THREAD_WAIT_MANY, deadline);
    for (size_t i = 0; i < count; i++)
        items[i].pending = object_wait_end(&entries[i]);
    return object_wait_outcome(&waiter, status);
}

/* The table is locked, because the slots cannot all be held: no thread may hold two locks of one
 * class. */
zx_status_t object_wait_many(struct handle_table* table, zx_wait_item_t* items, size_t count,
                             zx_rights_t rights, zx_time_t deadline) {
    zx_signals_t matched;
    spin_lock(&table->lock);
    zx_status_t status = look_at_items_locked(table, items, count, rights, &matched);
    if (status == ZX_OK && !matched && deadline > 0)
        return wait_many_blocking(table, items, count, deadline);
    spin_unlock(&table->lock);
    if (status != ZX_OK)
        return handle_fault(table, status);
    return matched ? ZX_OK : ZX_ERR_TIMED_OUT;
}
