#include <syscalls/prototypes.h>

#include <ipc/data_pipe.h>
#include <ipc/data_pipe_two_phase.h>
#include <syscall/handle_helpers.h>

/* Returns the producer, or an error. */
zx_handle_t sys_mx_datapipe_create(uint32_t options, size_t element_size, size_t capacity,
                                   user_out(zx_handle_t) consumer_out) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = process_check_policy(ZX_POL_NEW_ANY);
    if (status != ZX_OK)
        return status;
    struct object *producer, *consumer;
    status = data_pipe_create(element_size, capacity, &producer, &consumer);
    if (status != ZX_OK)
        return status;
    struct handle handle = handle_make(producer, DATA_PIPE_PRODUCER_RIGHTS);
    zx_handle_t value;
    status = handle_table_add(current_handles(), handle, &value);
    if (status != ZX_OK) {
        handle_release(handle);
        return handle_put(consumer, status);
    }
    status = handle_install_out(consumer, DATA_PIPE_CONSUMER_RIGHTS, consumer_out);
    if (status != ZX_OK)
        handle_table_close(current_handles(), value);
    return status == ZX_OK ? value : status;
}

zx_ssize_t sys_mx_datapipe_write(zx_handle_t producer, uint32_t flags, size_t requested,
                                 user_in(void) buffer) {
    return data_pipe_write(producer, flags, requested, buffer.address);
}

zx_ssize_t sys_mx_datapipe_read(zx_handle_t consumer, uint32_t flags, size_t requested,
                                user_out(void) buffer) {
    return data_pipe_read(consumer, flags, requested, buffer.address);
}

zx_ssize_t sys_mx_datapipe_begin_write(zx_handle_t producer, uint32_t flags,
                                       user_out(uintptr_t) address) {
    return data_pipe_begin_write(producer, flags, address.address);
}

zx_status_t sys_mx_datapipe_end_write(zx_handle_t producer, size_t written) {
    return data_pipe_end_write(producer, written);
}

zx_ssize_t sys_mx_datapipe_begin_read(zx_handle_t consumer, uint32_t flags,
                                      user_out(uintptr_t) address) {
    return data_pipe_begin_read(consumer, flags, address.address);
}

zx_status_t sys_mx_datapipe_end_read(zx_handle_t consumer, size_t read) {
    return data_pipe_end_read(consumer, read);
}
