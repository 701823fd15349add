/* Out of memory as an error path: whatever the kernel makes, it is made with each of its
 * allocations failing in turn, and leaves nothing behind. */

#ifdef JACINTH_DEBUG

#include <abi/errors.h>
#include <abi/memory.h>
#include <arch/interrupt.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/kernel_stack.h>
#include <mm/page_fault.h>
#include <mm/protect.h>
#include <mm/vmar.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>
#include <mm/vmo_copy.h>
#include <mm/vmo_fork.h>
#include <ipc/data_pipe.h>
#include <object/event_pair.h>
#include <task/job.h>
#include <ipc/message_pipe.h>
#include <task/process.h>
#include <task/user_thread.h>
#include <object/resource.h>
#include <ipc/socket.h>
#include <object/vmar_object.h>
#include <object/vmo_object.h>
#include <sched/thread.h>

#include "fail_each.h"
#include "object_helpers.h"
#include "selftest.h"

/* --- memory ----------------------------------------------------------------------------------- */

/* A few pages and one far away, so that tables are needed too. */
static bool make_vmo(void) {
    static const char text[] = "ruby";
    struct vmo* vmo;
    zx_status_t status = vmo_create(64ul << 20, &vmo);
    if (status != ZX_OK)
        return false;
    for (uint64_t offset = 0; offset < 4 * PAGE_SIZE && status == ZX_OK; offset += PAGE_SIZE)
        status = vmo_write(vmo, text, offset, sizeof(text));
    if (status == ZX_OK)
        status = vmo_write(vmo, text, (64ul << 20) - sizeof(text), sizeof(text));
    vmo_release(vmo);
    return status == ZX_OK;
}

SELFTEST(out_of_memory, vmo) {
    fail_each(make_vmo, 8);
}

/* A clone that shares, and one page of each side forked. */
static bool make_clone(void) {
    static const char text[] = "garnet";
    struct vmo *parent, *clone;
    if (vmo_create(20 * PAGE_SIZE, &parent) != ZX_OK)
        return false;
    bool is_made = vmo_write(parent, text, 0, sizeof(text)) == ZX_OK &&
                   vmo_write(parent, text, 19 * PAGE_SIZE, sizeof(text)) == ZX_OK;
    zx_status_t status = ZX_ERR_NO_MEMORY;
    if (is_made)
        status = vmo_create_clone(parent, 0, 20 * PAGE_SIZE, &clone);
    is_made = status == ZX_OK && vmo_write(clone, text, 1, 1) == ZX_OK &&
              vmo_write(parent, text, 19 * PAGE_SIZE, 1) == ZX_OK;
    if (status == ZX_OK)
        vmo_release(clone);
    vmo_release(parent);
    return is_made;
}

SELFTEST(out_of_memory, clone_and_forked_pages) {
    fail_each(make_clone, 8);
}

/* Maps, touches, protects and unmaps in the middle: mappings are cut in two and three. */
static bool use_mapping(struct aspace* aspace, struct vmo* vmo) {
    struct vmar* child;
    virtual_address_t base, mapped;
    uint32_t read_write = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
    if (vmar_allocate(aspace_root(aspace), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE, 0, 1ul << 30,
                      &child, &base) != ZX_OK)
        return false;
    bool is_made = vmar_map(child,
                            &(struct vmar_map_request){read_write, read_write, 0, vmo, 0,
                                                       16 * PAGE_SIZE, NULL},
                            &mapped) == ZX_OK;
    for (unsigned i = 0; i < 16 && is_made; i += 5) {
        struct page_fault fault = {mapped + i * PAGE_SIZE, true, false, true};
        is_made = aspace_fault(aspace, &fault);
    }
    is_made =
        is_made &&
        vmar_protect(child, ZX_VM_PERM_READ, mapped + 4 * PAGE_SIZE, 3 * PAGE_SIZE) == ZX_OK &&
        vmar_unmap(child, mapped + 9 * PAGE_SIZE, 2 * PAGE_SIZE) == ZX_OK &&
        vmar_map(aspace_root(aspace),
                 &(struct vmar_map_request){read_write | ZX_VM_MAP_RANGE, read_write, 0, vmo, 0,
                                            4 * PAGE_SIZE, NULL},
                 &mapped) == ZX_OK;
    vmar_release(child);
    return is_made;
}

/* OK or NO_MEMORY, nothing else: true for OK. */
static bool is_ok(int line, zx_status_t status) {
    if (status != ZX_OK && status != ZX_ERR_NO_MEMORY)
        selftest_fail(__FILE__, line, "status %d", status);
    return status == ZX_OK;
}

#define IS_OK(status) is_ok(__LINE__, status)

static bool make_bare_address_space(void) {
    struct aspace* aspace;
    if (!IS_OK(aspace_create(&aspace)))
        return false;
    aspace_release(aspace);
    return true;
}

SELFTEST(out_of_memory, aspace_create) {
    fail_each(make_bare_address_space, 3);
}

/* What is to be overwritten stays, all of it, when the call fails. */
static bool overwrite(struct aspace* aspace, struct vmo* vmo) {
    const uint32_t read = ZX_VM_PERM_READ;
    struct vmar* child;
    virtual_address_t base, mapped, seen;
    if (vmar_allocate(aspace_root(aspace), VMAR_CAPABILITIES, 0, 8 * PAGE_SIZE, &child, &base) !=
        ZX_OK)
        return false;
    zx_status_t status = vmar_map(
        child,
        &(struct vmar_map_request){read | ZX_VM_SPECIFIC, read, 0, vmo, 0, 8 * PAGE_SIZE, NULL},
        &mapped);
    if (status == ZX_OK) {
        status = vmar_map(child,
                          &(struct vmar_map_request){read | ZX_VM_SPECIFIC_OVERWRITE, read,
                                                     2 * PAGE_SIZE, vmo, 0, 3 * PAGE_SIZE, NULL},
                          &mapped);
        zx_status_t again =
            vmar_map(child,
                     &(struct vmar_map_request){read | ZX_VM_SPECIFIC, read, 2 * PAGE_SIZE, vmo, 0,
                                                3 * PAGE_SIZE, NULL},
                     &seen);
        if (again != ZX_ERR_NO_MEMORY)
            selftest_fail(__FILE__, __LINE__, "the place is free, status %d", again);
    }
    (void)vmar_destroy(child);
    vmar_release(child);
    return IS_OK(status);
}

static bool make_overwritten_mapping(void) {
    struct aspace* aspace;
    struct vmo* vmo;
    if (!IS_OK(aspace_create(&aspace)))
        return false;
    zx_status_t status = vmo_create(16 * PAGE_SIZE, &vmo);
    bool is_made = IS_OK(status) && overwrite(aspace, vmo);
    if (status == ZX_OK)
        vmo_release(vmo);
    aspace_release(aspace);
    return is_made;
}

SELFTEST(out_of_memory, mapping_that_overwrites) {
    fail_each(make_overwritten_mapping, 8);
}

static bool make_address_space(void) {
    struct aspace* aspace;
    struct vmo* vmo;
    if (aspace_create(&aspace) != ZX_OK)
        return false;
    bool is_made = vmo_create(16 * PAGE_SIZE, &vmo) == ZX_OK;
    if (is_made) {
        is_made = use_mapping(aspace, vmo);
        vmo_release(vmo);
    }
    aspace_release(aspace);
    return is_made;
}

SELFTEST(out_of_memory, address_space_with_mappings) {
    fail_each(make_address_space, 15);
}

/* --- threads and tasks ------------------------------------------------------------------------ */

static void do_nothing(void* unused) {
    (void)unused;
}

static bool make_kernel_thread(void) {
    struct thread* thread = thread_create("test", do_nothing, NULL, THREAD_PRIORITY_DEFAULT);
    if (thread)
        thread_release(thread);
    return thread;
}

SELFTEST(out_of_memory, kernel_thread_and_its_stack) {
    fail_each(make_kernel_thread, 5);
}

#define STACKS 65u /* one more than a page table holds */

static bool make_stacks(void) {
    void* stacks[STACKS];
    unsigned count = 0;
    while (count < STACKS && (stacks[count] = kernel_stack_alloc()))
        count++;
    bool is_made = count == STACKS;
    while (count > 0)
        kernel_stack_free(stacks[--count]);
    return is_made;
}

SELFTEST(out_of_memory, kernel_stacks_and_their_page_tables) {
    fail_each(make_stacks, 4 * STACKS);
}

static bool make_job(void) {
    struct job *root, *child;
    if (job_create(NULL, &root) != ZX_OK)
        return false;
    bool is_made = job_create(root, &child) == ZX_OK;
    if (is_made)
        object_release(&child->object);
    object_release(&root->object);
    return is_made;
}

SELFTEST(out_of_memory, jobs) {
    fail_each(make_job, 2);
}

/* A process with two threads, a handle and a mapping's object, that never starts. */
static bool fill_process(struct process* process) {
    struct user_thread* threads[2];
    unsigned count = 0;
    for (; count < 2; count++)
        if (user_thread_create(process, "test", &threads[count]) != ZX_OK)
            break;
    struct event* event;
    struct vmar_object* vmar = vmar_object_create(process->aspace, aspace_root(process->aspace));
    bool is_made = count == 2 && vmar && add_event(&process->handles, &event);
    if (vmar)
        object_release(&vmar->object);
    while (count > 0)
        object_release(&threads[--count]->object);
    return is_made;
}

static bool make_bare_process(void) {
    struct job* job;
    struct process* process = NULL;
    if (!IS_OK(job_create(NULL, &job)))
        return false;
    bool is_made = IS_OK(process_create(job, "test", &process));
    uint32_t count = job->processes.count;
    if (count != is_made)
        selftest_fail(__FILE__, __LINE__, "the job has %u processes", count);
    if (is_made)
        object_release(&process->object);
    object_release(&job->object);
    return is_made;
}

SELFTEST(out_of_memory, process_create) {
    fail_each(make_bare_process, 6);
}

static bool make_process(void) {
    struct job* job;
    struct process* process;
    if (job_create(NULL, &job) != ZX_OK)
        return false;
    bool is_made = process_create(job, "test", &process) == ZX_OK;
    if (is_made) {
        is_made = fill_process(process);
        object_release(&process->object);
    }
    object_release(&job->object);
    return is_made;
}

SELFTEST(out_of_memory, process_with_threads_and_handles) {
    fail_each(make_process, 20);
}

/* --- other objects ---------------------------------------------------------------------------- */

static bool make_small_objects(void) {
    struct event* event = event_create();
    struct object* resource = resource_create();
    struct vmo* vmo = NULL;
    struct vmo_object* vmo_object = NULL;
    if (vmo_create(0, &vmo) == ZX_OK)
        vmo_object = vmo_object_create(vmo); /* takes the reference in any case */
    if (vmo_object)
        object_release(&vmo_object->object);
    if (resource)
        object_release(resource);
    if (event)
        object_release(&event->object);
    return event && resource && vmo_object;
}

SELFTEST(out_of_memory, event_resource_and_vmo_object) {
    fail_each(make_small_objects, 4);
}

/* A VMO, a clone and a clone of that. */
static bool make_clone_objects(void) {
    struct vmo* vmo;
    struct vmo_object *first, *second = NULL, *third = NULL;
    if (vmo_create(PAGE_SIZE, &vmo) != ZX_OK || !(first = vmo_object_create(vmo)))
        return false;
    zx_status_t status = vmo_object_clone(first, 0, PAGE_SIZE, &second);
    if (status == ZX_OK)
        status = vmo_object_clone(second, 0, PAGE_SIZE, &third);
    if (third)
        object_release(&third->object);
    if (second)
        object_release(&second->object);
    bool has_no_clones = object_signals(&first->object) == ZX_VMO_ZERO_CHILDREN;
    object_release(&first->object);
    if (status != ZX_OK && status != ZX_ERR_NO_MEMORY)
        selftest_fail(__FILE__, __LINE__, "status %d", status);
    if (!has_no_clones)
        selftest_fail(__FILE__, __LINE__, "a clone is counted that does not live");
    return status == ZX_OK;
}

SELFTEST(out_of_memory, clones_of_vmo_objects) {
    fail_each(make_clone_objects, 7);
}

/* Sends one handle to itself and one event, with text, and leaves them unread. */
static bool fill_channel(struct handle ends[2], uint32_t byte_count) {
    static const char bytes[MESSAGE_KERNEL_BYTES_MAX];
    struct event* event = event_create();
    if (!event)
        return false;
    struct message* message = message_create(bytes, byte_count, 1);
    if (!message) {
        object_release(&event->object);
        return false;
    }
    message_handles(message)[0] = handle_to(&event->object, EVENT_DEFAULT_RIGHTS);
    if (message_end_push(message_end_from(ends[0].object), message) == ZX_OK)
        return true;
    message_destroy(message);
    return false;
}

static bool use_ends(struct message_end* end0, struct message_end* end1, zx_rights_t rights) {
    struct handle ends[2] = {handle_to(&end0->object, rights), handle_to(&end1->object, rights)};
    bool is_made = fill_channel(ends, 10) && fill_channel(ends, MESSAGE_KERNEL_BYTES_MAX);
    handle_release(ends[0]);
    handle_release(ends[1]);
    return is_made;
}

static bool make_channel(void) {
    struct message_end *end0, *end1;
    return channel_create(&end0, &end1) == ZX_OK && use_ends(end0, end1, CHANNEL_DEFAULT_RIGHTS);
}

SELFTEST(out_of_memory, channel_with_messages_that_hold_handles) {
    fail_each(make_channel, 6);
}

static bool make_message_pipe(void) {
    struct message_end *end0, *end1;
    return message_pipe_create(true, &end0, &end1) == ZX_OK &&
           use_ends(end0, end1, MESSAGE_PIPE_DEFAULT_RIGHTS);
}

SELFTEST(out_of_memory, message_pipe_with_messages_that_hold_handles) {
    fail_each(make_message_pipe, 6);
}

/* With some bytes, and more that do not come to be queued. */
static bool make_socket(void) {
    struct socket *near, *far;
    if (socket_create(true, &near, &far) != ZX_OK)
        return false;
    struct byte_queue* queue = &near->incoming;
    bool is_made = byte_queue_reserve(queue, 3 * PAGE_SIZE);
    if (is_made) {
        byte_queue_commit(queue, 2 * PAGE_SIZE + 1);
        is_made = byte_queue_reserve(queue, 5 * PAGE_SIZE);
        byte_queue_consume(queue, PAGE_SIZE);
    }
    object_release(&near->object);
    object_release(&far->object);
    return is_made;
}

SELFTEST(out_of_memory, socket_with_bytes) {
    fail_each(make_socket, 8);
}

static bool make_event_pair(void) {
    struct event_pair_end *end0, *end1;
    if (event_pair_create(&end0, &end1) != ZX_OK)
        return false;
    object_release(&end0->object);
    object_release(&end1->object);
    return true;
}

SELFTEST(out_of_memory, event_pair) {
    fail_each(make_event_pair, 3);
}

static bool make_data_pipe(void) {
    struct object *producer, *consumer;
    if (data_pipe_create(3, 30 * PAGE_SIZE / 3 * 3, &producer, &consumer) != ZX_OK)
        return false;
    object_release(producer);
    object_release(consumer);
    return true;
}

SELFTEST(out_of_memory, data_pipe) {
    fail_each(make_data_pipe, 2);
}

/* Enough handles for several chunks of the table. */
static bool make_handles(void) {
    struct handle_table table;
    struct event* event;
    if (handle_table_init(&table) != ZX_OK)
        return false;
    zx_handle_t root = add_event(&table, &event), value;
    bool is_made = root != ZX_HANDLE_INVALID;
    for (unsigned i = 0; i < 1000 && is_made; i++) {
        uint32_t count = handle_table_count(&table);
        is_made = add_copy(&table, root, &value) == ZX_OK;
        if (!is_made && handle_table_count(&table) != count)
            selftest_fail(__FILE__, __LINE__, "a handle came of a failure");
    }
    handle_table_close_all(&table);
    handle_table_destroy(&table);
    return is_made;
}

SELFTEST(out_of_memory, handle_table_that_grows) {
    fail_each(make_handles, 5);
}

#endif
