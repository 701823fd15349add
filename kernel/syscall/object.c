#include <syscalls/prototypes.h>

#include <lib/string.h>
#include <syscall/handle_helpers.h>

/* --- signals ---------------------------------------------------------------------------------- */

static inline zx_status_t check_masks(const struct object* object, uint32_t clear_mask,
                                      uint32_t set_mask) {
    zx_signals_t allowed = object->ops->user_signals;
    if (likely(allowed && !((clear_mask | set_mask) & ~allowed)))
        return ZX_OK;
    return allowed ? ZX_ERR_INVALID_ARGS : ZX_ERR_NOT_SUPPORTED;
}

/* The object needs no reference: it cannot go while the table is locked, nor before whoever holds
 * its lock lets go. */
zx_status_t sys_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask) {
    struct handle_table* table = current_handles();
    struct handle_slot* slot;
    spin_lock(&table->lock);
    zx_status_t status =
        handle_table_check_locked(table, handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_SIGNAL, &slot);
    if (likely(status == ZX_OK))
        status = check_masks(slot->object, clear_mask, set_mask);
    if (likely(status == ZX_OK)) {
        spin_lock_inner(slot->object->lock);
        object_update_signals_locked(slot->object, clear_mask, set_mask);
        spin_unlock_inner(slot->object->lock);
    }
    spin_unlock(&table->lock);
    return status;
}

static zx_status_t signal_peer(struct object* object, uint32_t clear_mask, uint32_t set_mask) {
    if (!object->ops->peer_locked)
        return ZX_ERR_NOT_SUPPORTED;
    zx_status_t status = check_masks(object, clear_mask, set_mask);
    if (status != ZX_OK)
        return status;
    spin_lock(object->lock);
    struct object* peer = object->ops->peer_locked(object);
    if (peer)
        object_update_signals_locked(peer, clear_mask, set_mask);
    spin_unlock(object->lock);
    return peer ? ZX_OK : ZX_ERR_PEER_CLOSED;
}

zx_status_t sys_object_signal_peer(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask) {
    struct object* object;
    zx_status_t status = handle_get(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_SIGNAL_PEER, &object);
    if (status != ZX_OK)
        return status;
    status = signal_peer(object, clear_mask, set_mask);
    object_release(object);
    return status;
}

/* --- properties ------------------------------------------------------------------------------- */

static zx_status_t get_name(struct object* object, user_out(void) value, size_t value_size) {
    char name[ZX_MAX_NAME_LEN] = {0};
    if (!object->ops->name_buffer)
        return ZX_ERR_WRONG_TYPE;
    if (value_size < sizeof(name))
        return ZX_ERR_BUFFER_TOO_SMALL;
    spin_lock(object->lock);
    strlcpy(name, object->ops->name_buffer(object), sizeof(name));
    spin_unlock(object->lock);
    return user_copy_out(value.address, name, sizeof(name)) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* A longer name is cut. */
static zx_status_t set_name(struct object* object, user_in(void) value, size_t value_size) {
    char name[ZX_MAX_NAME_LEN] = {0};
    if (!object->ops->name_buffer)
        return ZX_ERR_WRONG_TYPE;
    if (!user_copy_in(name, value.address, MIN(value_size, sizeof(name) - 1)))
        return ZX_ERR_INVALID_ARGS;
    spin_lock(object->lock);
    memcpy(object->ops->name_buffer(object), name, sizeof(name));
    spin_unlock(object->lock);
    return ZX_OK;
}

zx_status_t sys_object_get_property(zx_handle_t handle, uint32_t property, user_out(void) value,
                                    size_t value_size) {
    struct object* object;
    zx_status_t status = handle_get(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_GET_PROPERTY, &object);
    if (status != ZX_OK)
        return status;
    switch (property) {
    case ZX_PROP_NAME:
        status = get_name(object, value, value_size);
        break;
    default:
        status = ZX_ERR_INVALID_ARGS;
    }
    object_release(object);
    return status;
}

zx_status_t sys_object_set_property(zx_handle_t handle, uint32_t property, user_in(void) value,
                                    size_t value_size) {
    struct object* object;
    zx_status_t status = handle_get(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_SET_PROPERTY, &object);
    if (status != ZX_OK)
        return status;
    switch (property) {
    case ZX_PROP_NAME:
        status = set_name(object, value, value_size);
        break;
    default:
        status = ZX_ERR_INVALID_ARGS;
    }
    object_release(object);
    return status;
}
