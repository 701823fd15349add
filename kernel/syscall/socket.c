#include <syscalls/prototypes.h>

#include <abi/pipes.h>
#include <ipc/socket.h>
#include <syscall/handle_helpers.h>

zx_status_t sys_socket_create(uint32_t options, user_out(zx_handle_t) out0,
                              user_out(zx_handle_t) out1) {
    if (options != ZX_SOCKET_STREAM && options != ZX_SOCKET_DATAGRAM)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = process_check_policy(ZX_POL_NEW_SOCKET);
    if (status != ZX_OK)
        return status;
    struct socket *end0, *end1;
    status = socket_create(options == ZX_SOCKET_DATAGRAM, &end0, &end1);
    if (status != ZX_OK)
        return status;
    return handle_install_pair_out(&end0->object, SOCKET_DEFAULT_RIGHTS, out0, &end1->object,
                                   SOCKET_DEFAULT_RIGHTS, out1);
}

zx_status_t sys_socket_write(zx_handle_t handle, uint32_t options, user_in(void) buffer,
                             size_t size, user_out(size_t) actual) {
    return socket_write(handle, options, buffer.address, size, actual.address);
}

zx_status_t sys_socket_read(zx_handle_t handle, uint32_t options, user_out(void) buffer,
                            size_t size, user_out(size_t) actual) {
    return socket_read(handle, options, buffer.address, size, actual.address);
}
