#include <syscalls/prototypes.h>

#include <arch/clock.h>
#include <object/wait.h>
#include <syscall/handle_helpers.h>

static inline zx_status_t write_observed(user_out(zx_signals_t) observed, zx_signals_t shown,
                                         zx_status_t status) {
    bool is_told = user_is_null(observed) || user_write_word(observed.address, shown);
    return is_told ? status : ZX_ERR_INVALID_ARGS;
}

/* Waits, because no awaited signal is shown yet. Called with the handle held. The pointer is
 * checked before the wait, so a bad one is reported at once. */
static NOINLINE zx_status_t wait_one_blocking(zx_handle_t handle, struct handle_slot* slot,
                                              zx_rights_t rights, zx_signals_t signals,
                                              zx_time_t deadline, user_out(zx_signals_t) observed) {
    struct handle_table* table = current_handles();
    zx_signals_t shown;
    zx_status_t status;
    if (user_is_null(observed) || user_touch_small(observed.address, sizeof(shown))) {
        status = object_wait_one_blocking(table, handle, slot, signals, deadline, &shown);
    } else {
        handle_let_go(slot, handle);
        if (!user_fault_in(observed.address, sizeof(shown), true))
            return ZX_ERR_INVALID_ARGS;
        status = object_wait_one(table, handle, rights, signals, deadline, &shown);
    }
    bool was_observed = status == ZX_OK || status == ZX_ERR_TIMED_OUT || status == ZX_ERR_CANCELED;
    return was_observed ? write_observed(observed, shown, status) : status;
}

/* `rights`: the rights that this generation needs to wait. `looked_for`: the computed signals that
 * it returns to a caller that waits for none. */
static ALWAYS_INLINE zx_status_t wait_one(zx_handle_t handle, zx_rights_t rights,
                                          zx_signals_t looked_for, zx_signals_t signals,
                                          zx_time_t deadline, user_out(zx_signals_t) observed) {
    struct handle_slot* slot;
    zx_status_t status = handle_hold(current_handles(), handle, ZX_OBJ_TYPE_NONE, rights, &slot);
    if (status != ZX_OK)
        return status;
    zx_signals_t shown = object_signals_for(slot->object, signals ? signals : looked_for);
    if (!(shown & signals) && deadline > 0)
        return wait_one_blocking(handle, slot, rights, signals, deadline, observed);
    handle_let_go(slot, handle);
    return write_observed(observed, shown, shown & signals ? ZX_OK : ZX_ERR_TIMED_OUT);
}

static zx_status_t wait_many(user_inout(zx_wait_item_t) items_user, size_t count,
                             zx_rights_t rights, zx_time_t deadline) {
    zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS];
    _Static_assert(sizeof(items) <= USER_SMALL_MAX, "items are copied as what is small");
    if (count > ZX_WAIT_MANY_MAX_ITEMS)
        return ZX_ERR_OUT_OF_RANGE;
    size_t size = sizeof(items[0]) * count;
    if (count > 0 && (!user_copy_in_small(items, items_user.address, size) ||
                      !user_touch_small(items_user.address, size)))
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = object_wait_many(current_handles(), items, count, rights, deadline);
    if (status != ZX_OK && status != ZX_ERR_TIMED_OUT && status != ZX_ERR_CANCELED)
        return status;
    bool is_told = count == 0 || user_copy_out_small(items_user.address, items, size);
    return is_told ? status : ZX_ERR_INVALID_ARGS;
}

zx_status_t sys_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline,
                                user_out(zx_signals_t) observed) {
    return wait_one(handle, ZX_RIGHT_WAIT, 0, signals, deadline, observed);
}

zx_status_t sys_mx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline,
                                   user_out(zx_signals_t) observed) {
    return wait_one(handle, ZX_RIGHT_READ, ZX_SIGNAL_LAST_HANDLE, signals, deadline, observed);
}

zx_status_t sys_object_wait_many(user_inout(zx_wait_item_t) items, size_t count,
                                 zx_time_t deadline) {
    return wait_many(items, count, ZX_RIGHT_WAIT, deadline);
}

zx_status_t sys_mx_object_wait_many(user_inout(zx_wait_item_t) items, uint32_t count,
                                    zx_time_t deadline) {
    return wait_many(items, count, ZX_RIGHT_READ, deadline);
}

/* --- 2016: the same with relative timeouts ------------------------------------------------------
 */

/* In 2016 "for ever" was the largest unsigned time, so a negative timeout means the same. */
static zx_time_t deadline_after(zx_time_t timeout) {
    if (timeout == 0)
        return 0;
    zx_time_t deadline;
    if (timeout < 0 || __builtin_add_overflow(clock_now(), timeout, &deadline))
        return ZX_TIME_INFINITE;
    return deadline;
}

zx_status_t sys_mx_handle_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t timeout,
                                   user_out(zx_signals_t) observed) {
    return wait_one(handle, ZX_RIGHT_READ, 0, signals, deadline_after(timeout), observed);
}

zx_status_t sys_mx_handle_wait_many(user_inout(zx_wait_item_t) items, uint32_t count,
                                    zx_time_t timeout) {
    return wait_many(items, count, ZX_RIGHT_READ, deadline_after(timeout));
}
