/* object_get_info: one function for each topic. */
#include <syscalls/prototypes.h>

#include <ipc/message_cycle.h>
#include <mm/kernel_stack.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <object/handle_list.h>
#include <task/user_thread.h>
#include <syscall/handle_helpers.h>

#define THREADS_LISTED_MAX 8192u
#define ENTRIES_CHUNK 16u

/* The object, and the place for the records. `actual` counts the records that were written,
 * `available` all records that exist. */
struct info_request {
    struct object* object;
    zx_rights_t rights; /* of the handle */
    user_out(void) buffer;
    size_t buffer_size;
    bool has_wait_states; /* 2018: a blocked thread shows what it waits for */
    size_t actual, available;
};

/* Writes all of the records, or nothing if a part of the memory is bad. */
static bool copy_out_whole(user_out(void) to, const void* records, size_t size) {
    return user_fault_in(to.address, size, true) && user_copy_out(to.address, records, size);
}

static zx_status_t write_record(struct info_request* request, const void* record, size_t size) {
    request->available = 1;
    if (request->buffer_size < size)
        return ZX_ERR_BUFFER_TOO_SMALL;
    if (!copy_out_whole(request->buffer, record, size))
        return ZX_ERR_INVALID_ARGS;
    request->actual = 1;
    return ZX_OK;
}

static zx_status_t info_handle_valid(struct info_request* request) {
    (void)request;
    return ZX_OK;
}

static zx_status_t info_handle_basic(struct info_request* request) {
    struct object* object = request->object;
    zx_info_handle_basic_t record = {
        .koid = object->koid,
        .rights = request->rights,
        .type = object->ops->type,
        .related_koid =
            object->ops->related_koid ? object->ops->related_koid(object) : ZX_KOID_INVALID,
        .props = ZX_OBJ_PROP_WAITABLE, /* every object */
    };
    return write_record(request, &record, sizeof(record));
}

static zx_status_t info_handle_count(struct info_request* request) {
    zx_info_handle_count_t record = {
        .handle_count = atomic_load_explicit(&request->object->handle_count, memory_order_relaxed),
    };
    return write_record(request, &record, sizeof(record));
}

static zx_status_t info_process(struct info_request* request) {
    struct process* process = process_from(request->object);
    spin_lock(process->object.lock);
    zx_info_process_t record = {
        .return_code = process->state == PROCESS_DEAD ? process->return_code : 0,
        .started = process->state != PROCESS_INITIAL,
        .exited = process->state == PROCESS_DEAD,
    };
    spin_unlock(process->object.lock);
    return write_record(request, &record, sizeof(record));
}

/* Writes as many koids as there is room for. Returns the number of threads. */
static size_t list_threads(struct process* process, zx_koid_t* koids, size_t room) {
    size_t count = 0;
    spin_lock(process->object.lock);
    LIST_FOR_EACH(node, &process->threads) {
        if (count < room)
            koids[count] = LIST_ENTRY(node, struct user_thread, process_node)->object.koid;
        count++;
    }
    spin_unlock(process->object.lock);
    return count;
}

static zx_status_t info_process_threads(struct info_request* request) {
    size_t room = MIN(request->buffer_size / sizeof(zx_koid_t), (size_t)THREADS_LISTED_MAX);
    zx_koid_t* koids = heap_alloc(MAX(room, (size_t)1) * sizeof(*koids));
    if (!koids)
        return ZX_ERR_NO_MEMORY;
    request->available = list_threads(process_from(request->object), koids, room);
    request->actual = MIN(room, request->available);
    bool is_written = copy_out_whole(request->buffer, koids, request->actual * sizeof(*koids));
    heap_free(koids);
    return is_written ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* The process runs meanwhile, so each chunk of the list is right only at its own moment. */
static zx_status_t info_handle_table(struct info_request* request) {
    struct handle_table* table = &process_from(request->object)->handles;
    size_t room = request->buffer_size / sizeof(zx_info_handle_entry_t);
    struct handle_description found[ENTRIES_CHUNK];
    uint32_t index = 0, count;
    while ((count = handle_table_describe(table, &index, found, ENTRIES_CHUNK)) > 0) {
        for (uint32_t i = 0; i < count && request->actual < room; i++) {
            zx_info_handle_entry_t record = {
                .handle = found[i].value,
                .rights = found[i].rights,
                .type = found[i].type,
                .koid = found[i].koid,
            };
            if (!user_copy_out(request->buffer.address + request->actual * sizeof(record), &record,
                               sizeof(record)))
                return ZX_ERR_INVALID_ARGS;
            request->actual++;
        }
        request->available += count;
        if (thread_is_killed(thread_current()))
            return ZX_ERR_CANCELED;
    }
    return ZX_OK;
}

static uint32_t state_of(const struct thread* thread, bool has_wait_states) {
    static const uint32_t states[] = {
        [THREAD_INITIAL] = ZX_THREAD_STATE_NEW,     [THREAD_READY] = ZX_THREAD_STATE_RUNNING,
        [THREAD_RUNNING] = ZX_THREAD_STATE_RUNNING, [THREAD_BLOCKED] = ZX_THREAD_STATE_BLOCKED,
        [THREAD_MOVING] = ZX_THREAD_STATE_RUNNING,  [THREAD_DEAD] = ZX_THREAD_STATE_DEAD,
    };
    static const uint32_t waits[] = {
        [THREAD_WAIT_OTHER] = ZX_THREAD_STATE_BLOCKED,
        [THREAD_WAIT_SLEEPING] = ZX_THREAD_STATE_BLOCKED_SLEEPING,
        [THREAD_WAIT_FUTEX] = ZX_THREAD_STATE_BLOCKED_FUTEX,
        [THREAD_WAIT_CHANNEL] = ZX_THREAD_STATE_BLOCKED_CHANNEL,
        [THREAD_WAIT_ONE] = ZX_THREAD_STATE_BLOCKED_WAIT_ONE,
        [THREAD_WAIT_MANY] = ZX_THREAD_STATE_BLOCKED_WAIT_MANY,
    };
    uint32_t state = states[thread->state];
    return state == ZX_THREAD_STATE_BLOCKED && has_wait_states ? waits[thread->wait] : state;
}

static zx_status_t info_thread(struct info_request* request) {
    const struct user_thread* thread = CONTAINER_OF(request->object, struct user_thread, object);
    zx_info_thread_t record = {
        .state = object_signals(&thread->object) & ZX_THREAD_TERMINATED
                     ? ZX_THREAD_STATE_DEAD
                     : state_of(thread->thread, request->has_wait_states),
    };
    return write_record(request, &record, sizeof(record));
}

/* Garbage and empty slabs are freed first, so that the numbers count only what is in use. */
static zx_status_t info_kernel_memory(struct info_request* request) {
    thread_bury_all();
    message_cycle_collect_all();
    kernel_stack_trim();
    slab_trim();
    zx_info_kernel_memory_t record = {
        .total_pages = page_count_total(),
        .free_pages = page_count_free(),
        .slab_objects = slab_objects_in_use(),
        .kernel_objects = object_count(),
        .threads = thread_count(),
    };
    return write_record(request, &record, sizeof(record));
}

struct topic {
    uint32_t number;
    zx_obj_type_t type;
    zx_rights_t rights;
    zx_status_t (*write)(struct info_request* request);
};

static const struct topic* topic_find(uint32_t number) {
    static const struct topic topics[] = {
        {ZX_INFO_HANDLE_VALID, ZX_OBJ_TYPE_NONE, ZX_RIGHT_NONE, info_handle_valid},
        {ZX_INFO_HANDLE_BASIC, ZX_OBJ_TYPE_NONE, ZX_RIGHT_NONE, info_handle_basic},
        {ZX_INFO_PROCESS, ZX_OBJ_TYPE_PROCESS, ZX_RIGHT_INSPECT, info_process},
        {ZX_INFO_PROCESS_THREADS, ZX_OBJ_TYPE_PROCESS, ZX_RIGHT_ENUMERATE, info_process_threads},
        {ZX_INFO_HANDLE_TABLE, ZX_OBJ_TYPE_PROCESS, ZX_RIGHT_INSPECT, info_handle_table},
        {ZX_INFO_HANDLE_COUNT, ZX_OBJ_TYPE_NONE, ZX_RIGHT_INSPECT, info_handle_count},
        {ZX_INFO_THREAD, ZX_OBJ_TYPE_THREAD, ZX_RIGHT_INSPECT, info_thread},
        {ZX_INFO_KERNEL_MEMORY, ZX_OBJ_TYPE_RESOURCE, ZX_RIGHT_NONE, info_kernel_memory},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(topics); i++)
        if (topics[i].number == number)
            return &topics[i];
    return NULL;
}

static bool count_is_writable(user_out(size_t) to) {
    return user_is_null(to) || user_fault_in(to.address, sizeof(size_t), true);
}

static bool count_write(user_out(size_t) to, size_t count) {
    return user_is_null(to) || user_write(to, &count, 1);
}

static zx_status_t get_info(zx_handle_t handle, uint32_t topic_number, bool has_wait_states,
                            user_out(void) buffer, size_t buffer_size, user_out(size_t) actual,
                            user_out(size_t) available) {
    struct info_request request = {
        .buffer = buffer, .buffer_size = buffer_size, .has_wait_states = has_wait_states};
    const struct topic* topic = topic_find(topic_number);
    if (!topic)
        return ZX_ERR_NOT_SUPPORTED;
    zx_status_t status = handle_get_with_rights(handle, topic->type, topic->rights, &request.object,
                                                &request.rights);
    if (status != ZX_OK)
        return status;
    status = count_is_writable(actual) && count_is_writable(available) ? topic->write(&request)
                                                                       : ZX_ERR_INVALID_ARGS;
    object_release(request.object);
    if (status != ZX_OK && status != ZX_ERR_BUFFER_TOO_SMALL)
        return status;
    return count_write(actual, request.actual) && count_write(available, request.available)
               ? status
               : ZX_ERR_INVALID_ARGS;
}

zx_status_t sys_object_get_info(zx_handle_t handle, uint32_t topic, user_out(void) buffer,
                                size_t buffer_size, user_out(size_t) actual,
                                user_out(size_t) available) {
    return get_info(handle, topic, true, buffer, buffer_size, actual, available);
}

zx_status_t sys_mx_object_get_info(zx_handle_t handle, uint32_t topic, user_out(void) buffer,
                                   size_t buffer_size, user_out(size_t) actual,
                                   user_out(size_t) available) {
    return get_info(handle, topic, false, buffer, buffer_size, actual, available);
}
