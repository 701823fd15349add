/* thrd_t: a pointer to the control structure at the top of a thread's stack.
 *
 * A thread that joins another waits for the kernel's TERMINATED signal and frees the stack. A
 * detached thread cannot free the stack that it runs on. So it puts itself into a list. The next
 * thrd_create or thrd_detach frees the stacks of those threads in the list that have ended. */
#include <internal/lock.h>
#include <internal/stack.h>
#include <internal/time.h>

#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/threads.h>

#define DEFAULT_NAME "thread"

static atomic_int detached_lock; /* guards the list */
static struct thread_control* finished_detached;

static void free_thread(struct thread_control* thread) {
    zx_handle_close(thread->handle);
    stack_destroy(thread);
}

static bool has_terminated(const struct thread_control* thread) {
    zx_signals_t observed = 0;
    zx_object_wait_one(thread->handle, ZX_THREAD_TERMINATED, 0, &observed);
    return observed & ZX_THREAD_TERMINATED;
}

static void free_finished_detached(void) {
    if (!lock_try(&detached_lock))
        return; /* another thread is doing this */
    struct thread_control** link = &finished_detached;
    while (*link) {
        struct thread_control* thread = *link;
        if (has_terminated(thread)) {
            *link = thread->next;
            free_thread(thread);
        } else {
            link = &thread->next;
        }
    }
    lock_release(&detached_lock);
}

static void add_finished_detached(struct thread_control* thread) {
    lock_acquire(&detached_lock);
    thread->next = finished_detached;
    finished_detached = thread;
    lock_release(&detached_lock);
}

/* The kernel enters here; the thread pointer is not set yet. */
__attribute__((no_stack_protector)) static void thread_main(struct thread_control* thread) {
    zx_thread_set_fs_base((uintptr_t)thread);
    thrd_exit(thread->function(thread->argument));
}

static zx_status_t start_thread(struct thread_control* thread, const char* name) {
    zx_status_t status =
        zx_thread_create(zx_process_self(), name, strlen(name), 0, &thread->handle);
    if (status != ZX_OK)
        return status;
    /* The ABI expects the stack as after a call: misaligned by one word, the return address. */
    status = zx_thread_start(thread->handle, (zx_vaddr_t)thread_main,
                             stack_top(thread) - sizeof(uintptr_t), (uintptr_t)thread, 0);
    if (status != ZX_OK)
        zx_handle_close(thread->handle);
    return status;
}

int thrd_create_with_name(thrd_t* out, thrd_start_t function, void* argument, const char* name) {
    free_finished_detached();
    struct thread_control* thread = stack_create();
    if (!thread)
        return thrd_nomem;
    thread->stack_guard = thread_control_self()->stack_guard;
    thread->function = function;
    thread->argument = argument;
    *out = thread; /* before the thread runs: it may read its own name here */
    zx_status_t status = start_thread(thread, name ? name : DEFAULT_NAME);
    if (status != ZX_OK) {
        stack_destroy(thread);
        return status == ZX_ERR_NO_MEMORY ? thrd_nomem : thrd_error;
    }
    return thrd_success;
}

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
    return thrd_create_with_name(thread, function, argument, NULL);
}

_Noreturn void thrd_exit(int result) {
    struct thread_control* thread = thread_control_self();
    tss_run_destructors(thread);
    thread->result = result;
    int fate = THREAD_JOINABLE;
    if (thread->mapping && !atomic_compare_exchange_strong(&thread->fate, &fate, THREAD_FINISHED))
        add_finished_detached(thread);
    zx_thread_exit();
}

int thrd_join(thrd_t thread, int* result) {
    if (zx_object_wait_one(thread->handle, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, NULL) != ZX_OK)
        return thrd_error;
    if (result)
        *result = thread->result;
    free_thread(thread);
    return thrd_success;
}

int thrd_detach(thrd_t thread) {
    int fate = THREAD_JOINABLE;
    if (!atomic_compare_exchange_strong(&thread->fate, &fate, THREAD_DETACHED))
        add_finished_detached(thread);
    free_finished_detached();
    return thrd_success;
}

thrd_t thrd_current(void) {
    return thread_control_self();
}

int thrd_equal(thrd_t left, thrd_t right) {
    return left == right;
}

void thrd_yield(void) {
    zx_thread_yield();
}

int thrd_sleep(const struct timespec* duration, struct timespec* left) {
    return nanosleep(duration, left);
}

zx_handle_t zx_thread_self(void) {
    return thread_control_self()->handle;
}

zx_handle_t thrd_get_zx_handle(thrd_t thread) {
    return thread->handle;
}
