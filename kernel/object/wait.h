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

/* BAD_HANDLE and ACCESS_DENIED (the handle lacks `rights`) answer before anything else and leave
 * `observed` alone. */
MUST_CHECK zx_status_t object_wait_one(struct handle_table* table, zx_handle_t handle,
                                       zx_rights_t rights, zx_signals_t signals, zx_time_t deadline,
                                       zx_signals_t* observed);
/* The same for an object that shows none of `signals`: called with the handle held, and lets it
 * go. */
MUST_CHECK zx_status_t object_wait_one_blocking(struct handle_table* table, zx_handle_t handle,
                                                struct handle_slot* slot, zx_signals_t signals,
                                                zx_time_t deadline, zx_signals_t* observed);
/* At most ZX_WAIT_MANY_MAX_ITEMS items; none: sleeps. Fills in every `pending`. Answers the same
 * way; with BAD_HANDLE and ACCESS_DENIED (of the leftmost faulty item) only some are filled in. */
MUST_CHECK zx_status_t object_wait_many(struct handle_table* table, zx_wait_item_t* items,
                                        size_t count, zx_rights_t rights, zx_time_t deadline);
