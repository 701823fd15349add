#include <syscalls/prototypes.h>

#include <ipc/data_pipe.h>
#include <syscall/handle_helpers.h>

/* --- signals ---------------------------------------------------------------------------------- */

static inline zx_status_t check_masks(const struct object* object, uint32_t clear_mask,
                                      uint32_t set_mask) {
    zx_signals_t allowed = object->ops->user_signals;
    if (allowed && !((clear_mask | set_mask) & ~allowed))
        return ZX_OK;
    return allowed ? ZX_ERR_INVALID_ARGS : ZX_ERR_NOT_SUPPORTED;
}

static NOINLINE zx_status_t let_go_and_fail(struct handle_slot* slot, zx_handle_t handle,
                                            zx_status_t status) {
    handle_let_go(slot, handle);
    return status;
}

/* The object needs no reference: it stays alive while the handle is held. */
zx_status_t sys_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask) {
    struct handle_table* table = current_handles();
    struct handle_slot* slot;
    zx_status_t status = handle_hold(table, handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_SIGNAL, &slot);
    if (status != ZX_OK)
        return status;
    status = check_masks(slot->object, clear_mask, set_mask);
    if (status != ZX_OK)
        return let_go_and_fail(slot, handle, status);
    spin_lock_inner(slot->object->lock);
    object_update_signals_locked(slot->object, clear_mask, set_mask);
    spin_unlock_inner(slot->object->lock);
    handle_let_go(slot, handle);
    return ZX_OK;
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
    return handle_put(object, signal_peer(object, clear_mask, set_mask));
}

/* --- properties ------------------------------------------------------------------------------- */

static zx_status_t get_name(struct object* object, uintptr_t value, size_t value_size) {
    char name[ZX_MAX_NAME_LEN];
    if (value_size < sizeof(name))
        return ZX_ERR_BUFFER_TOO_SMALL;
    object_get_name(object, name);
    return user_copy_out(value, name, sizeof(name)) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* Sets the name; a name that is too long is cut. */
static zx_status_t set_name(struct object* object, uintptr_t value, size_t value_size) {
    char name[ZX_MAX_NAME_LEN] = {0};
    if (!user_copy_in(name, value, MIN(value_size, sizeof(name) - 1)))
        return ZX_ERR_INVALID_ARGS;
    return object_set_name(object, name);
}

/* The read and the write threshold of a data pipe. Each is a size, kept by one of its ends. */
static zx_status_t get_threshold(struct object* object, uintptr_t value, size_t value_size) {
    size_t threshold = data_pipe_threshold(object);
    if (value_size < sizeof(threshold))
        return ZX_ERR_BUFFER_TOO_SMALL;
    return user_copy_out(value, &threshold, sizeof(threshold)) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t set_threshold(struct object* object, uintptr_t value, size_t value_size) {
    size_t threshold;
    if (value_size < sizeof(threshold))
        return ZX_ERR_BUFFER_TOO_SMALL;
    if (!user_copy_in(&threshold, value, sizeof(threshold)))
        return ZX_ERR_INVALID_ARGS;
    return data_pipe_set_threshold(object, threshold);
}

/* The handles of many types have no rights for properties. For such a type READ stands in for
 * GET_PROPERTY, and WRITE (or READ, if the type has no WRITE) for SET_PROPERTY. */
struct property {
    uint32_t number;
    zx_obj_type_t type; /* NONE: any */
    zx_rights_t get_right, set_right;
    zx_status_t (*get)(struct object* object, uintptr_t value, size_t value_size);
    zx_status_t (*set)(struct object* object, uintptr_t value, size_t value_size);
};

static const struct property* property_find(uint32_t number) {
    static const struct property properties[] = {
        {ZX_PROP_NAME, ZX_OBJ_TYPE_NONE, ZX_RIGHT_GET_PROPERTY, ZX_RIGHT_SET_PROPERTY, get_name,
         set_name},
        {ZX_PROP_DATAPIPE_READ_THRESHOLD, ZX_OBJ_TYPE_DATAPIPE_CONSUMER, ZX_RIGHT_READ,
         ZX_RIGHT_READ, get_threshold, set_threshold},
        {ZX_PROP_DATAPIPE_WRITE_THRESHOLD, ZX_OBJ_TYPE_DATAPIPE_PRODUCER, ZX_RIGHT_READ,
         ZX_RIGHT_WRITE, get_threshold, set_threshold},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(properties); i++)
        if (properties[i].number == number)
            return &properties[i];
    return NULL;
}

static zx_status_t access_property(zx_handle_t handle, uint32_t number, bool must_set,
                                   uintptr_t value, size_t value_size) {
    const struct property* property = property_find(number);
    if (!property)
        return ZX_ERR_INVALID_ARGS;
    zx_rights_t needed = must_set ? property->set_right : property->get_right, present;
    struct object* object;
    zx_status_t status =
        handle_get_with_rights(handle, property->type, ZX_RIGHT_NONE, &object, &present);
    if (status != ZX_OK)
        return status;
    zx_rights_t usual = object->ops->default_rights;
    if (!(usual & needed))
        needed = usual & (needed == ZX_RIGHT_SET_PROPERTY ? ZX_RIGHT_WRITE : ZX_RIGHT_READ);
    if ((present & needed) != needed)
        return handle_put(object, ZX_ERR_ACCESS_DENIED);
    return handle_put(object,
                      (must_set ? property->set : property->get)(object, value, value_size));
}

zx_status_t sys_object_get_property(zx_handle_t handle, uint32_t number, user_out(void) value,
                                    size_t value_size) {
    return access_property(handle, number, false, value.address, value_size);
}

zx_status_t sys_object_set_property(zx_handle_t handle, uint32_t number, user_in(void) value,
                                    size_t value_size) {
    return access_property(handle, number, true, value.address, value_size);
}
