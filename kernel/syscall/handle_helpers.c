#include <syscall/handle_helpers.h>

#define CLOSE_CHUNK 64u

zx_status_t handle_install_out(struct object* object, zx_rights_t rights,
                               user_out(zx_handle_t) out) {
    struct handle handle = handle_make(object, rights);
    zx_handle_t value;
    zx_status_t status = handle_table_add(current_handles(), handle, &value);
    if (status == ZX_OK)
        return handle_value_out(value, out);
    handle_release(handle);
    return status;
}

static inline bool value_is_writable(user_out(zx_handle_t) out) {
    return user_touch_small(out.address, sizeof(zx_handle_t)) ||
           user_fault_in(out.address, sizeof(zx_handle_t), true);
}

/* Both pointers are checked before either is written: if one is bad, the memory at the other
 * pointer must not change. */
zx_status_t handle_install_pair_out(struct object* object0, zx_rights_t rights0,
                                    user_out(zx_handle_t) out0, struct object* object1,
                                    zx_rights_t rights1, user_out(zx_handle_t) out1) {
    struct handle_table* table = current_handles();
    struct handle handles[2] = {handle_make(object0, rights0), handle_make(object1, rights1)};
    zx_handle_t values[2];
    zx_status_t status = ZX_ERR_INVALID_ARGS;

    if (!value_is_writable(out0) || !value_is_writable(out1))
        goto release;
    spin_lock(&table->lock);
    status = handle_table_reserve_locked(table, 2);
    if (status == ZX_OK) {
        handle_table_next_values_locked(table, values, 2);
        handle_table_add_many_locked(table, handles, 2);
    }
    spin_unlock(&table->lock);
    if (status != ZX_OK)
        goto release;
    if (!user_write(out0, &values[0], 1) || !user_write(out1, &values[1], 1)) {
        (void)handle_table_close_many(table, values, 2);
        return ZX_ERR_INVALID_ARGS;
    }
    return ZX_OK;

release:
    handle_release(handles[0]);
    handle_release(handles[1]);
    return status;
}

zx_status_t handle_close_user_array(user_in(zx_handle_t) values, size_t count) {
    struct handle_table* table = current_handles();
    zx_handle_t chunk[CLOSE_CHUNK];
    zx_status_t result = ZX_OK;
    while (count > 0) {
        if (thread_is_killed(thread_current()))
            return ZX_ERR_CANCELED;
        uint32_t size = (uint32_t)MIN(count, (size_t)CLOSE_CHUNK);
        if (!user_read(chunk, values, size))
            return ZX_ERR_INVALID_ARGS;
        if (handle_table_close_many(table, chunk, size) != ZX_OK)
            result = ZX_ERR_BAD_HANDLE;
        values.address += size * sizeof(zx_handle_t);
        count -= size;
    }
    return result;
}
