/* A look-up for calls that change an object in one hold of its lock. */
#pragma once

#include <object/handle_table.h>
#include <object/object.h>

/* Finds the object that `value` names, checked as by handle_table_get, and takes its lock instead
 * of a reference. The object's type must have on_zero_handles.
 *
 * The object cannot go before the lock is released. The handle stays until the lock is taken,
 * because its slot is held. After that, a thread that closes the last handle takes the lock, in
 * on_zero_handles, before it drops the reference.
 *
 * Both locks share one preemption count: that saves 3 instructions of each write and read. */
MUST_CHECK static ALWAYS_INLINE zx_status_t handle_lock_object(struct handle_table* table,
                                                               zx_handle_t value,
                                                               zx_obj_type_t type,
                                                               zx_rights_t rights,
                                                               struct object** object) {
    struct handle_slot* slot;
    zx_status_t status = handle_hold(table, value, type, rights, &slot);
    if (status != ZX_OK)
        return status;
    *object = slot->object;
    spin_lock_inner((*object)->lock);
    handle_let_go_outer(slot, value); /* only now: from here on the lock keeps the object */
    return ZX_OK;
}
