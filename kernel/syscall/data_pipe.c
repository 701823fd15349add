#include <syscalls/prototypes.h>

#include <ipc/data_pipe_quick.h>
#include <syscall/handle_helpers.h>

#define WRITE_FLAGS MX_DATAPIPE_WRITE_FLAG_ALL_OR_NONE
#define READ_FLAGS                                                       \
    (MX_DATAPIPE_READ_FLAG_ALL_OR_NONE | MX_DATAPIPE_READ_FLAG_DISCARD | \
     MX_DATAPIPE_READ_FLAG_QUERY | MX_DATAPIPE_READ_FLAG_PEEK)

/* Answers the producer, or an error. */
zx_handle_t sys_mx_datapipe_create(uint32_t options, size_t element_size, size_t capacity,
                                   user_out(zx_handle_t) consumer) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = process_check_policy(ZX_POL_NEW_ANY);
    if (unlikely(status != ZX_OK))
        return status;
    struct data_pipe* pipe;
    status = data_pipe_create(element_size, capacity, &pipe);
    if (status != ZX_OK)
        return status;
    struct handle producer = handle_make(&pipe->producer.object, DATA_PIPE_PRODUCER_RIGHTS);
    zx_handle_t value;
    status = handle_table_add(current_handles(), producer, &value);
    if (status != ZX_OK) {
        handle_release(producer);
        object_release(&pipe->consumer.object);
        return status;
    }
    status = handle_install_out(&pipe->consumer.object, DATA_PIPE_CONSUMER_RIGHTS, consumer);
    if (status != ZX_OK)
        handle_table_close(current_handles(), value);
    return status == ZX_OK ? value : status;
}

static inline struct data_pipe_request producer_request(zx_handle_t producer, uint32_t flags,
                                                        size_t size, uintptr_t user) {
    return (struct data_pipe_request){
        .table = current_handles(),
        .handle = producer,
        .type = ZX_OBJ_TYPE_DATAPIPE_PRODUCER,
        .right = ZX_RIGHT_WRITE,
        .flags = flags,
        .known_flags = WRITE_FLAGS,
        .size = size,
        .user = user,
    };
}

static inline struct data_pipe_request consumer_request(zx_handle_t consumer, uint32_t flags,
                                                        size_t size, uintptr_t user) {
    return (struct data_pipe_request){
        .table = current_handles(),
        .handle = consumer,
        .type = ZX_OBJ_TYPE_DATAPIPE_CONSUMER,
        .right = ZX_RIGHT_READ,
        .flags = flags,
        .known_flags = READ_FLAGS,
        .size = size,
        .user = user,
    };
}

/* --- copying ---------------------------------------------------------------------------------- */

/* What the quick ways do not do, apart from them, so that it costs them nothing. They may leave a
 * lock behind. */
static NOINLINE zx_ssize_t write_slowly(zx_handle_t producer, uint32_t flags, size_t requested,
                                        user_in(void) buffer, struct spinlock* held) {
    const struct data_pipe_request request =
        producer_request(producer, flags, requested, buffer.address);
    if (held)
        spin_unlock(held);
    return data_pipe_copy(&request);
}

static NOINLINE zx_ssize_t read_slowly(zx_handle_t consumer, uint32_t flags, size_t requested,
                                       user_out(void) buffer, struct spinlock* held) {
    const struct data_pipe_request request =
        consumer_request(consumer, flags, requested, buffer.address);
    if (held)
        spin_unlock(held);
    return data_pipe_copy(&request);
}

zx_ssize_t sys_mx_datapipe_write(zx_handle_t producer, uint32_t flags, size_t requested,
                                 user_in(void) buffer) {
    struct spinlock* held = NULL;
    if (likely(flags == 0) && likely(data_pipe_write_quickly(current_handles(), producer, requested,
                                                             buffer.address, &held)))
        return (zx_ssize_t)requested;
    return write_slowly(producer, flags, requested, buffer, held);
}

zx_ssize_t sys_mx_datapipe_read(zx_handle_t consumer, uint32_t flags, size_t requested,
                                user_out(void) buffer) {
    struct spinlock* held = NULL;
    if (likely(flags == 0) && likely(requested > 0) &&
        likely(
            data_pipe_read_quickly(current_handles(), consumer, requested, buffer.address, &held)))
        return (zx_ssize_t)requested;
    return read_slowly(consumer, flags, requested, buffer, held);
}

/* --- two phases --------------------------------------------------------------------------------
 */

static NOINLINE zx_ssize_t begin_write_slowly(zx_handle_t producer, uint32_t flags,
                                              user_out(uintptr_t) address, struct spinlock* held) {
    const struct data_pipe_request request = producer_request(producer, flags, 0, address.address);
    if (held)
        spin_unlock(held);
    return data_pipe_begin(&request, process_current()->aspace);
}

static NOINLINE zx_ssize_t begin_read_slowly(zx_handle_t consumer, uint32_t flags,
                                             user_out(uintptr_t) address, struct spinlock* held) {
    const struct data_pipe_request request = consumer_request(consumer, flags, 0, address.address);
    if (held)
        spin_unlock(held);
    return data_pipe_begin(&request, process_current()->aspace);
}

zx_ssize_t sys_mx_datapipe_begin_write(zx_handle_t producer, uint32_t flags,
                                       user_out(uintptr_t) address) {
    struct spinlock* held = NULL;
    size_t offered;
    if (likely(flags == 0) && likely(data_pipe_begin_write_quickly(
                                  current_handles(), producer, address.address, &offered, &held)))
        return (zx_ssize_t)offered;
    return begin_write_slowly(producer, flags, address, held);
}

zx_status_t sys_mx_datapipe_end_write(zx_handle_t producer, size_t written) {
    return data_pipe_end_write(current_handles(), producer, written);
}

zx_ssize_t sys_mx_datapipe_begin_read(zx_handle_t consumer, uint32_t flags,
                                      user_out(uintptr_t) address) {
    struct spinlock* held = NULL;
    size_t offered;
    if (likely(flags == 0) && likely(data_pipe_begin_read_quickly(
                                  current_handles(), consumer, address.address, &offered, &held)))
        return (zx_ssize_t)offered;
    return begin_read_slowly(consumer, flags, address, held);
}

zx_status_t sys_mx_datapipe_end_read(zx_handle_t consumer, size_t read) {
    return data_pipe_end_read(current_handles(), consumer, read);
}
