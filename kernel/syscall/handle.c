#include <syscalls/prototypes.h>

#include <arch/upcalls.h>
#include <syscall/handle_helpers.h>

zx_status_t sys_bad_syscall(void) {
    return ZX_ERR_BAD_SYSCALL;
}

zx_status_t sys_syscall_null(void) {
    return ZX_OK;
}

zx_status_t sys_handle_close(zx_handle_t handle) {
    if (handle == ZX_HANDLE_INVALID)
        return ZX_OK;
    return handle_table_close(current_handles(), handle);
}

zx_status_t sys_mx_handle_close(zx_handle_t handle) {
    return handle_table_close(current_handles(), handle);
}

zx_status_t sys_handle_close_many(user_in(zx_handle_t) handles, size_t num_handles) {
    zx_status_t status = handle_close_user_array(handles, num_handles);
    if (status == ZX_ERR_BAD_HANDLE)
        handle_fault(current_handles(), status);
    return status;
}

zx_status_t sys_mx_handle_replace(zx_handle_t handle, zx_rights_t rights,
                                  user_out(zx_handle_t) out) {
    return handle_table_replace(current_handles(), handle, rights, out.address);
}

zx_status_t sys_handle_duplicate(zx_handle_t handle, zx_rights_t rights,
                                 user_out(zx_handle_t) out) {
    return handle_table_duplicate(current_handles(), handle, rights, out.address);
}

/* In this generation the old value is closed even when the call fails. */
zx_status_t sys_handle_replace(zx_handle_t handle, zx_rights_t rights, user_out(zx_handle_t) out) {
    zx_status_t status = handle_table_replace(current_handles(), handle, rights, out.address);
    if (status != ZX_OK && status != ZX_ERR_BAD_HANDLE)
        handle_table_close(current_handles(), handle);
    return status;
}
