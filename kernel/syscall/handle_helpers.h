/* What system calls do with handles of the calling process. */
#pragma once

#include <object/handle_table.h>
#include <task/process.h>
#include <syscall/user_pointer.h>

/* Returns a reference to the object that `value` names in the calling process. BAD_HANDLE,
 * WRONG_TYPE (`type` NONE: any type), ACCESS_DENIED. */
MUST_CHECK static inline zx_status_t handle_get(zx_handle_t value, zx_obj_type_t type,
                                                zx_rights_t rights, struct object** object) {
    return handle_table_get(current_handles(), value, type, rights, object);
}

/* The same as handle_get, and returns the handle's rights too. */
MUST_CHECK static inline zx_status_t handle_get_with_rights(zx_handle_t value, zx_obj_type_t type,
                                                            zx_rights_t rights,
                                                            struct object** object,
                                                            zx_rights_t* present) {
    return handle_table_get_with_rights(current_handles(), value, type, rights, object, present);
}

/* Ends a call that began with handle_get: drops the reference, and returns the call's result. */
static inline zx_status_t handle_put(struct object* object, zx_status_t status) {
    object_release(object);
    return status;
}

/* Makes an entry for handle_table_add or a message. Consumes the caller's reference, and counts one
 * handle more. */
static inline struct handle handle_make(struct object* object, zx_rights_t rights) {
    object_handle_added(object);
    return (struct handle){object, rights};
}

/* Writes the value of a new handle of the calling process to `out`. INVALID_ARGS: `out` is bad, and
 * the handle is closed again. */
MUST_CHECK static inline zx_status_t handle_value_out(zx_handle_t value,
                                                      user_out(zx_handle_t) out) {
    if (user_write(out, &value, 1))
        return ZX_OK;
    (void)handle_table_close(current_handles(), value);
    return ZX_ERR_INVALID_ARGS;
}

/* Gives the calling process a handle, and writes its value to `out`. Consumes the reference. On
 * failure there is no handle: NO_MEMORY, NO_RESOURCES (table full), INVALID_ARGS (`out` is bad). */
MUST_CHECK zx_status_t handle_install_out(struct object* object, zx_rights_t rights,
                                          user_out(zx_handle_t) out);
/* handle_install_out for two handles: both or none. */
MUST_CHECK zx_status_t handle_install_pair_out(struct object* object0, zx_rights_t rights0,
                                               user_out(zx_handle_t) out0, struct object* object1,
                                               zx_rights_t rights1, user_out(zx_handle_t) out1);

/* Closes every valid handle of a user array, in bounded steps. Values of 0 are skipped. BAD_HANDLE:
 * some value was not valid. INVALID_ARGS: a part of the array cannot be read. CANCELED: the thread
 * was killed between two steps. */
zx_status_t handle_close_user_array(user_in(zx_handle_t) values, size_t count);
