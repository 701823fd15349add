/* What system calls do with handles of the calling process. */
#pragma once

#include <object/handle_table.h>
#include <task/process.h>
#include <syscall/user_pointer.h>

static inline struct handle_table* current_handles(void) {
    return &process_current()->handles;
}

/* A reference to the object that `value` names in the calling process; BAD_HANDLE, WRONG_TYPE
 * (`type` NONE: any will do), ACCESS_DENIED. */
MUST_CHECK static inline zx_status_t handle_get(zx_handle_t value, zx_obj_type_t type,
                                                zx_rights_t rights, struct object** object) {
    return handle_table_get(current_handles(), value, type, rights, object);
}

/* A reference counted for one handle more: what handle_table_add and messages take. Consumes the
 * caller's reference. */
static inline struct handle handle_make(struct object* object, zx_rights_t rights) {
    object_handle_added(object);
    return (struct handle){object, rights};
}

/* Gives the calling process a handle and tells its value at `out`. Consumes the reference; when
 * there is no room (NO_MEMORY, NO_RESOURCES) or `out` is bad (INVALID_ARGS) everything is undone.
 */
MUST_CHECK zx_status_t handle_install_out(struct object* object, zx_rights_t rights,
                                          user_out(zx_handle_t) out);
/* The same for two handles: both or none. */
MUST_CHECK zx_status_t handle_install_pair_out(struct object* object0, zx_rights_t rights0,
                                               user_out(zx_handle_t) out0, struct object* object1,
                                               zx_rights_t rights1, user_out(zx_handle_t) out1);

/* Closes every valid handle of a user array, in bounded steps; stops where the array cannot be
 * read (INVALID_ARGS), and before the next step when the thread is killed (CANCELED). BAD_HANDLE
 * when some value was not valid (0 is passed over). */
zx_status_t handle_close_user_array(user_in(zx_handle_t) values, size_t count);
