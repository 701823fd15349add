/* Waiting for signals of objects, by handle.
 *
 * The thread parks with one observer per object on its own stack. The wait ends when one of the
 * wanted signals is shown (OK), at the absolute deadline (TIMED_OUT; 0 only looks), when one of the
 * handles is closed, replaced or sent away (CANCELED, HANDLE_CLOSED among the signals), or when the
 * thread is killed (CANCELED). What was observed is answered in all four cases. */
#pragma once

#include <abi/types.h>
#include <lib/compiler.h>
#include <object/handle_table.h>

/* What the object shows now. BAD_HANDLE and ACCESS_DENIED (handle lacks `rights`). */
MUST_CHECK static inline zx_status_t object_look(struct handle_table* table, zx_handle_t handle,
                                                 zx_rights_t rights, zx_signals_t* shown) {
    struct handle_slot* slot;
    spin_lock(&table->lock);
    zx_status_t status = handle_table_check_locked(table, handle, ZX_OBJ_TYPE_NONE, rights, &slot);
    if (unlikely(status != ZX_OK)) {
        spin_unlock(&table->lock);
        return status;
    }
    *shown = object_signals(slot->object);
    spin_unlock(&table->lock);
    return ZX_OK;
}

/* BAD_HANDLE and ACCESS_DENIED answer before anything else and leave `observed` alone. */
MUST_CHECK zx_status_t object_wait_one(struct handle_table* table, zx_handle_t handle,
                                       zx_rights_t rights, zx_signals_t signals, zx_time_t deadline,
                                       zx_signals_t* observed);
/* At most ZX_WAIT_MANY_MAX_ITEMS items; none: sleeps. Fills in every `pending`. Answers the same
 * way; with BAD_HANDLE and ACCESS_DENIED (leftmost faulty item) no `pending` is changed. */
MUST_CHECK zx_status_t object_wait_many(struct handle_table* table, zx_wait_item_t* items,
                                        size_t count, zx_rights_t rights, zx_time_t deadline);
