#include <syscalls/prototypes.h>

#include <abi/pipes.h>
#include <ipc/socket.h>
#include <syscall/handle_helpers.h>

zx_status_t sys_socket_create(uint32_t options, user_out(zx_handle_t) out0,
                              user_out(zx_handle_t) out1) {
    if (options != ZX_SOCKET_STREAM && options != ZX_SOCKET_DATAGRAM)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = process_check_policy(ZX_POL_NEW_SOCKET);
    if (unlikely(status != ZX_OK))
        return status;
    struct socket *end0, *end1;
    status = socket_create(options == ZX_SOCKET_DATAGRAM, &end0, &end1);
    if (status != ZX_OK)
        return status;
    return handle_install_pair_out(&end0->object, SOCKET_DEFAULT_RIGHTS, out0, &end1->object,
                                   SOCKET_DEFAULT_RIGHTS, out1);
}

/* --- the quick way: few bytes; false: nothing was done, and the long way tells why ------------ */

/* The end, locked, without a reference; false: the handle is at fault. */
static ALWAYS_INLINE bool lock_end(zx_handle_t handle, zx_rights_t rights, struct socket** socket) {
    struct handle_table* table = current_handles();
    struct handle_slot* slot;
    if (unlikely(handle_hold(table, handle, ZX_OBJ_TYPE_SOCKET, rights, &slot) != ZX_OK))
        return false;
    *socket = socket_from(slot->object);
    spin_lock_inner((*socket)->object.lock);
    handle_let_go_outer(slot, handle);
    return true;
}

/* Answers `is_done`, known on each way to be a constant. */
static ALWAYS_INLINE bool unlock_end(struct socket* socket, bool is_done) {
    spin_unlock(socket->object.lock);
    return is_done;
}

static ALWAYS_INLINE bool write_piece(zx_handle_t handle, uintptr_t buffer, size_t size,
                                      uintptr_t actual) {
    struct socket* socket;
    if (unlikely(!lock_end(handle, ZX_RIGHT_WRITE, &socket)))
        return false;
    if (likely(socket_write_piece_locked(socket, buffer, size, actual)))
        return unlock_end(socket, true);
    return unlock_end(socket, false);
}

static ALWAYS_INLINE bool read_piece(zx_handle_t handle, uintptr_t buffer, size_t size,
                                     uintptr_t actual) {
    struct socket* socket;
    if (unlikely(!lock_end(handle, ZX_RIGHT_READ, &socket)))
        return false;
    if (likely(socket_read_piece_locked(socket, buffer, size, actual)))
        return unlock_end(socket, true);
    return unlock_end(socket, false);
}

/* --- the long way, apart, so that it costs the quick way nothing
 * ----------------------------------- */

static zx_status_t
transfer(zx_handle_t handle, zx_rights_t rights, const struct socket_request* request,
         zx_status_t (*operation)(struct socket*, const struct socket_request*)) {
    struct object* object;
    zx_status_t status = handle_get(handle, ZX_OBJ_TYPE_SOCKET, rights, &object);
    if (status != ZX_OK)
        return status;
    status = operation(socket_from(object), request);
    object_release(object);
    return status;
}

static NOINLINE zx_status_t write_any(zx_handle_t handle, uint32_t options, uintptr_t buffer,
                                      size_t size, uintptr_t actual) {
    const struct socket_request request = {buffer, size, actual};
    if (options == 0)
        return transfer(handle, ZX_RIGHT_WRITE, &request, socket_write);
    if (options != ZX_SOCKET_HALF_CLOSE || size > 0)
        return ZX_ERR_INVALID_ARGS;
    return transfer(handle, ZX_RIGHT_WRITE, &request, socket_half_close);
}

static NOINLINE zx_status_t read_any(zx_handle_t handle, uint32_t options, uintptr_t buffer,
                                     size_t size, uintptr_t actual) {
    const struct socket_request request = {buffer, size, actual};
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    return transfer(handle, ZX_RIGHT_READ, &request, socket_read);
}

zx_status_t sys_socket_write(zx_handle_t handle, uint32_t options, user_in(void) buffer,
                             size_t size, user_out(size_t) actual) {
    if (likely(options == 0 && size > 0) &&
        likely(write_piece(handle, buffer.address, size, actual.address)))
        return ZX_OK;
    return write_any(handle, options, buffer.address, size, actual.address);
}

zx_status_t sys_socket_read(zx_handle_t handle, uint32_t options, user_out(void) buffer,
                            size_t size, user_out(size_t) actual) {
    if (likely(options == 0 && size > 0) &&
        likely(read_piece(handle, buffer.address, size, actual.address)))
        return ZX_OK;
    return read_any(handle, options, buffer.address, size, actual.address);
}
