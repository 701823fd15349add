/* Processes: an address space, a handle table and threads.
 *
 * A process ends when its last thread has gone, or at once when it is killed or calls process_exit:
 * then every thread is killed, and the last one to leave closes the handles, destroys the mappings
 * and raises TERMINATED. The lock of the object guards the thread list and the state. */
#pragma once

#include <abi/limits.h>
#include <object/handle_table.h>
#include <object/object.h>
#include <task/policy.h>
#include <sched/thread.h>

struct aspace;
struct job;

enum process_state {
    PROCESS_INITIAL, /* made, not started */
    PROCESS_RUNNING,
    PROCESS_DYING, /* threads are being killed; nothing new can start */
    PROCESS_DEAD,
};

#define PROCESS_MAX_THREADS 4096u

struct process {
    struct object object; /* its lock guards what follows, up to the blank line */
    struct list threads;  /* user_thread.process_node: made and not yet ended, borrowed */
    uint32_t thread_count;
    uint32_t running_count; /* of them, started */
    enum process_state state;
    int64_t return_code;
    char name[ZX_MAX_NAME_LEN];

    struct handle_table handles;
    struct aspace* aspace; /* a reference */
    struct job* job;       /* a reference */
    struct policy policy;  /* the job's; constant */
    /* A condition, and 1: a thread that is on its way out has met it, and the policy ends the
     * process for it. UINT32_MAX: that was done. */
    _Atomic uint32_t fatal_condition;
    struct list_node job_node; /* in the job's list, under the job's lock */
};

/* Where a thread begins. Any address of user space is good, 0 too: the thread then faults. */
struct start_place {
    uintptr_t entry, stack;
};

/* The object of a user thread; `thread` is the scheduler's. */
struct user_thread {
    struct object object;
    struct thread* thread;   /* a reference */
    struct process* process; /* a reference */
    struct list_node process_node;
    bool is_started; /* under the process's lock */
    struct start_place start;
    uint64_t argument1, argument2;
};

/* One reference. NO_MEMORY; BAD_STATE: the job is being killed; NO_RESOURCES: the job is full. */
zx_status_t process_create(struct job* job, const char* name, struct process** out);
/* Starts the process with its first thread, in two steps: the first may be made under the lock of
 * the table that the argument leaves, and may fail. Errors in this order: ACCESS_DENIED: not a
 * thread of this process. BAD_STATE: either was started before, or has ended. INVALID_ARGS: `start`
 * is not in user space. */
MUST_CHECK zx_status_t process_start_begin(struct process* process, struct user_thread* thread,
                                           const struct start_place* start);
/* The thread finds the value of `argument` in its first argument. If it or the process was killed
 * meanwhile, it ends at once. Preemption is off between the two steps: the end of the process waits
 * for the thread, so that must not wait for its creator. False: the process has no room for the
 * argument, which the caller keeps. */
MUST_CHECK bool process_start_finish(struct process* process, struct user_thread* thread,
                                     struct handle argument, uint64_t argument2);
/* Ends the process, soon: also one that never started. The first return code counts. */
void process_kill(struct process* process, int64_t return_code);
NORETURN void process_exit_current(int64_t return_code);

/* One reference. NO_MEMORY; BAD_STATE: the process is dying; NO_RESOURCES: too many threads. */
zx_status_t user_thread_create(struct process* process, const char* name, struct user_thread** out);
/* BAD_STATE: started before, or the process does not run. INVALID_ARGS: `start` is not in user
 * space. */
zx_status_t user_thread_start(struct user_thread* thread, const struct start_place* start,
                              uint64_t argument1, uint64_t argument2);
bool start_place_is_valid(const struct start_place* start);
void user_thread_kill(struct user_thread* thread);

/* Valid in user threads only. */
static inline struct user_thread* user_thread_current(void) {
    return thread_current()->owner;
}
static inline struct process* process_current(void) {
    return thread_current()->process;
}
static inline struct process* process_from(struct object* object) {
    return CONTAINER_OF(object, struct process, object);
}
static inline struct user_thread* user_thread_from(struct object* object) {
    return CONTAINER_OF(object, struct user_thread, object);
}

/* Whether the policy lets the calling process do what the condition says: OK, or ACCESS_DENIED.
 * Where the policy says so, the process ends and the call does not return: so no lock is held, no
 * reference either. VMAR_WX is only ended here: what it denies is up to the address space. */
#define PROCESS_RETURN_CODE_POLICY (-1025) /* what such a process shows */
MUST_CHECK zx_status_t process_check_policy_set(const struct process* process, uint32_t condition);
MUST_CHECK static inline zx_status_t process_check_policy(uint32_t condition) {
    const struct process* process = process_current();
    return likely(process->policy.actions == 0) ? ZX_OK
                                                : process_check_policy_set(process, condition);
}

/* For panic and the emergency console. */
void process_debug_init(void);
