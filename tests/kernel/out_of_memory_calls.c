/* System calls whose allocations fail, each in turn: they return NO_MEMORY, leave nothing behind,
 * and change nothing. Made by a kernel thread that has a process. */

#ifdef JACINTH_DEBUG

#include <abi/pipes.h>
#include <mm/aspace.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>
#include <object/vmar_object.h>
#include <sched/thread.h>
#include <syscall/handle_helpers.h>
#include <syscalls/prototypes.h>
#include <task/job.h>
#include <task/process.h>

#include "fail_each.h"
#include "object_helpers.h"
#include "selftest.h"

#define USER_SIZE (32 * PAGE_SIZE)
#define MUCH (5 * PAGE_SIZE) /* more than one piece of a message */
#define CARGO 3u
#define READ_MAY_DISCARD 1u

static struct process* process;
static virtual_address_t user; /* USER_SIZE bytes of the process, for results and texts */
static zx_handle_t job_handle, process_handle, vmar_handle;

/* Results are words in user memory, one behind the other. */
static uintptr_t word(uint32_t index) {
    return user + index * sizeof(uint64_t);
}

#define OUT(type, index) ((user_out(type)){word(index)})
#define TEXT (user + PAGE_SIZE)

static zx_handle_t handle_at(uint32_t index) {
    zx_handle_t value = ZX_HANDLE_INVALID;
    if (!user_copy_in(&value, word(index), sizeof(value)))
        selftest_fail(__FILE__, __LINE__, "no user memory");
    return value;
}

static void close(zx_handle_t value) {
    if (handle_table_close(current_handles(), value) != ZX_OK)
        selftest_fail(__FILE__, __LINE__, "handle %d is not open", value);
}

/* OK or NO_MEMORY, nothing else: true for OK. */
static bool is_ok(int line, zx_status_t status) {
    if (status != ZX_OK && status != ZX_ERR_NO_MEMORY)
        selftest_fail(__FILE__, line, "status %d", status);
    return status == ZX_OK;
}

#define IS_OK(status) is_ok(__LINE__, status)

/* --- the process ------------------------------------------------------------------------------ */

struct trial {
    bool (*make)(void);
    uint32_t least;
};

static zx_handle_t add_handle(struct object* object, zx_rights_t rights) {
    zx_handle_t value = ZX_HANDLE_INVALID;
    object_reference(object);
    if (handle_table_add(&process->handles, handle_make(object, rights), &value) != ZX_OK)
        selftest_fail(__FILE__, __LINE__, "no memory");
    return value;
}

static void touch_user_memory(void) {
    static const char text[PAGE_SIZE];
    for (size_t offset = 0; offset < USER_SIZE; offset += PAGE_SIZE)
        EXPECT(user_copy_out(user + offset, text, PAGE_SIZE));
}

/* In the thread with the process. */
static void run_trial(void* argument) {
    const struct trial* trial = argument;
    struct vmar_object* vmar = vmar_object_create(process->aspace, aspace_root(process->aspace));
    EXPECT(vmar != NULL);
    touch_user_memory();
    job_handle = add_handle(&process->job->object, UINT32_MAX);
    process_handle = add_handle(&process->object, UINT32_MAX);
    vmar_handle = add_handle(&vmar->object, VMAR_DEFAULT_RIGHTS);
    object_release(&vmar->object);
    uint32_t handles = handle_table_count(&process->handles);
    fail_each(trial->make, trial->least);
    EXPECT_EQUAL(handle_table_count(&process->handles), handles);
    handle_table_close_all(&process->handles);
}

static void run_in_thread(struct trial* trial) {
    const uint32_t read_write = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
    struct vmo* vmo;
    EXPECT_OK(vmo_create(USER_SIZE, &vmo));
    EXPECT_OK(vmar_map(
        aspace_root(process->aspace),
        &(struct vmar_map_request){read_write, read_write, 0, vmo, 0, USER_SIZE, NULL}, &user));
    vmo_release(vmo);
    struct thread* thread = thread_create("calls", run_trial, trial, THREAD_PRIORITY_DEFAULT);
    EXPECT(thread != NULL);
    thread->process = process;
    thread->aspace = process->aspace;
    thread_start(thread);
    thread_join(thread);
    thread_release(thread);
}

static void fail_each_call(bool (*make)(void), uint32_t least) {
    struct trial trial = {make, least};
    struct job* job;
    EXPECT_OK(job_create(NULL, &job));
    EXPECT_OK(process_create(job, "calls", &process));
    run_in_thread(&trial);
    object_release(&process->object);
    object_release(&job->object);
}

/* --- objects ---------------------------------------------------------------------------------- */

static bool make_event(void) {
    if (!IS_OK(sys_event_create(0, OUT(zx_handle_t, 0))))
        return false;
    close(handle_at(0));
    return true;
}

SELFTEST(out_of_memory_calls, event_create) {
    fail_each_call(make_event, 1);
}

static bool make_event_pair(void) {
    if (!IS_OK(sys_eventpair_create(0, OUT(zx_handle_t, 0), OUT(zx_handle_t, 1))))
        return false;
    close(handle_at(0));
    close(handle_at(1));
    return true;
}

SELFTEST(out_of_memory_calls, eventpair_create) {
    fail_each_call(make_event_pair, 1);
}

static bool use_vmo(zx_handle_t vmo) {
    if (!IS_OK(sys_vmo_write(vmo, (user_in(void)){TEXT}, PAGE_SIZE / 2, MUCH)) ||
        !IS_OK(sys_vmo_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 0, MUCH, OUT(zx_handle_t, 1))))
        return false;
    zx_handle_t clone = handle_at(1);
    bool is_made = IS_OK(sys_vmo_write(clone, (user_in(void)){TEXT}, 0, MUCH));
    close(clone);
    return is_made;
}

static bool make_vmo(void) {
    if (!IS_OK(sys_vmo_create(8 * PAGE_SIZE, 0, OUT(zx_handle_t, 0))))
        return false;
    zx_handle_t vmo = handle_at(0);
    bool is_made = use_vmo(vmo);
    close(vmo);
    return is_made;
}

SELFTEST(out_of_memory_calls, vmo_create_write_and_clone) {
    fail_each_call(make_vmo, 15);
}

/* --- tasks ------------------------------------------------------------------------------------ */

static bool make_job(void) {
    if (!IS_OK(sys_job_create(job_handle, 0, OUT(zx_handle_t, 0))))
        return false;
    close(handle_at(0));
    return true;
}

SELFTEST(out_of_memory_calls, job_create) {
    fail_each_call(make_job, 1);
}

static bool make_process(void) {
    if (!IS_OK(sys_process_create(job_handle, (user_in(char)){TEXT}, 4, 0, OUT(zx_handle_t, 0),
                                  OUT(zx_handle_t, 1))))
        return false;
    zx_handle_t made = handle_at(0);
    bool has_thread =
        IS_OK(sys_thread_create(made, (user_in(char)){TEXT}, 4, 0, OUT(zx_handle_t, 2)));
    if (has_thread)
        close(handle_at(2));
    close(handle_at(1));
    close(made);
    return has_thread;
}

SELFTEST(out_of_memory_calls, process_create_and_thread_create) {
    fail_each_call(make_process, 12);
}

/* --- messages --------------------------------------------------------------------------------- */

/* CARGO events, their handles as words of 32 bits from word 8 on. */
static bool make_cargo(void) {
    for (uint32_t i = 0; i < CARGO; i++) {
        if (!IS_OK(
                sys_event_create(0, (user_out(zx_handle_t)){word(8) + i * sizeof(zx_handle_t)}))) {
            while (i-- > 0) {
                zx_handle_t value;
                (void)user_copy_in(&value, word(8) + i * sizeof(value), sizeof(value));
                close(value);
            }
            return false;
        }
    }
    return true;
}

/* Whether the handles are with the caller; closes them. */
static bool close_cargo(void) {
    uint32_t closed = 0;
    for (uint32_t i = 0; i < CARGO; i++) {
        zx_handle_t value;
        (void)user_copy_in(&value, word(8) + i * sizeof(value), sizeof(value));
        closed += handle_table_close(current_handles(), value) == ZX_OK;
    }
    if (closed != 0 && closed != CARGO)
        selftest_fail(__FILE__, __LINE__, "%u of the handles are with the caller", closed);
    return closed == CARGO;
}

typedef zx_status_t (*write_t)(zx_handle_t, uint32_t, user_in(void), uint32_t, user_in(zx_handle_t),
                               uint32_t);

static bool write_with_cargo(write_t write, bool discards, zx_handle_t end, uint32_t size) {
    if (!make_cargo())
        return false;
    bool is_made =
        IS_OK(write(end, 0, (user_in(void)){TEXT}, size, (user_in(zx_handle_t)){word(8)}, CARGO));
    bool is_kept = close_cargo();
    if (is_kept != (!is_made && !discards))
        selftest_fail(__FILE__, __LINE__, "the handles are in the wrong place");
    return is_made;
}

static bool write_messages(write_t write, bool discards) {
    if (!IS_OK(sys_channel_create(0, OUT(zx_handle_t, 0), OUT(zx_handle_t, 1))))
        return false;
    zx_handle_t near = handle_at(0), far = handle_at(1);
    bool is_made = write_with_cargo(write, discards, near, 8);
    uint32_t expected = is_made;
    if (is_made) {
        is_made = write_with_cargo(write, discards, near, MUCH);
        expected += is_made;
    }
    uint32_t queued = 0;
    while (sys_channel_read(far, READ_MAY_DISCARD, (user_out(void)){0}, (user_out(zx_handle_t)){0},
                            0, 0, OUT(uint32_t, 2), OUT(uint32_t, 3)) == ZX_ERR_BUFFER_TOO_SMALL)
        queued++;
    if (queued != expected)
        selftest_fail(__FILE__, __LINE__, "%u messages wait, not %u", queued, expected);
    close(near);
    close(far);
    return is_made;
}

static bool write_zx_messages(void) {
    return write_messages(sys_channel_write, true);
}

SELFTEST(out_of_memory_calls, zx_channel_write_discards_the_handles) {
    fail_each_call(write_zx_messages, 6);
}

static bool write_mx_messages(void) {
    return write_messages(sys_mx_channel_write, false);
}

SELFTEST(out_of_memory_calls, mx_channel_write_keeps_the_handles) {
    fail_each_call(write_mx_messages, 6);
}

static bool write_to_socket(void) {
    if (!IS_OK(sys_socket_create(0, OUT(zx_handle_t, 0), OUT(zx_handle_t, 1))))
        return false;
    zx_handle_t near = handle_at(0), far = handle_at(1);
    bool is_made = IS_OK(sys_socket_write(near, 0, (user_in(void)){TEXT}, MUCH, OUT(size_t, 2)));
    zx_status_t status = sys_object_wait_one(far, 1, 0, OUT(zx_signals_t, 3));
    if (status != (is_made ? ZX_OK : ZX_ERR_TIMED_OUT))
        selftest_fail(__FILE__, __LINE__, "the other end is shown %d", status);
    close(near);
    close(far);
    return is_made;
}

SELFTEST(out_of_memory_calls, socket_create_and_write) {
    fail_each_call(write_to_socket, 4);
}

/* --- windows and info ------------------------------------------------------------------------- */

static bool open_window(void) {
    zx_handle_t producer = sys_mx_datapipe_create(0, 1, PAGE_SIZE, OUT(zx_handle_t, 0));
    if (producer < 0)
        return IS_OK(producer);
    zx_ssize_t room = sys_mx_datapipe_begin_write(producer, 0, OUT(uintptr_t, 1));
    if (room < 0)
        (void)IS_OK((zx_status_t)room);
    zx_status_t ended = sys_mx_datapipe_end_write(producer, 0);
    if (ended != (room > 0 ? ZX_OK : ZX_ERR_BAD_STATE))
        selftest_fail(__FILE__, __LINE__, "the window ends with %d", ended);
    close(producer);
    close(handle_at(0));
    return room > 0;
}

SELFTEST(out_of_memory_calls, datapipe_begin_write) {
    fail_each_call(open_window, 4);
}

static bool list_threads(void) {
    return IS_OK(sys_object_get_info(process_handle, ZX_INFO_PROCESS_THREADS,
                                     (user_out(void)){TEXT}, MUCH, (user_out(size_t)){0},
                                     (user_out(size_t)){0}));
}

SELFTEST(out_of_memory_calls, info_process_threads) {
    fail_each_call(list_threads, 1);
}

#endif
