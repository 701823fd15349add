/* Processes: an address space, a handle table and threads.
 *
 * Rules for processes:
 * - A process ends when its last thread has ended. It is killed (all threads are) by process_kill
 *   or process_exit_current.
 * - The last thread to end cleans up: it destroys the mappings, closes the handles and raises
 *   TERMINATED. If this thread is killed and there is much to do, the cleaner continues in its
 *   place; then the thread's TERMINATED comes first. TERMINATED does not wait for objects that a
 *   killed thread was destroying in a call of its own.
 * - The object's lock guards the list of threads and the state. */
#pragma once

#include <abi/limits.h>
#include <object/handle_table.h>
#include <object/object.h>
#include <task/job.h>
#include <task/policy.h>
#include <sched/thread.h>

struct aspace;

enum process_state {
    PROCESS_INITIAL, /* made, not started */
    PROCESS_RUNNING,
    PROCESS_DYING, /* its threads end; no new one can start */
    PROCESS_DEAD,
};

#define PROCESS_MAX_THREADS 4096u

struct process {
    struct object object; /* its lock guards the fields up to the blank line */
    struct list threads;  /* user_thread.process_node; borrowed: made and not yet ended */
    uint32_t thread_count;
    uint32_t running_count; /* how many of them were started */
    enum process_state state;
    int64_t return_code;
    char name[ZX_MAX_NAME_LEN];

    struct handle_table handles;
    struct aspace* aspace; /* a reference */
    struct job* job;       /* a reference */
    struct policy policy;  /* a copy of the job's; constant */
    /* Not 0: a failed look-up has met a condition for which the policy ends the process. The value
     * is the condition plus 1. UINT32_MAX: a thread has already ended the process for it. */
    _Atomic uint32_t fatal_condition;
    struct job_member member; /* in the job's list; under the job's lock */
    /* Used only by the thread that cleans up, or by the cleaner: */
    struct destroy_list garbage;   /* objects that its handles kept alive */
    struct list_node cleanup_node; /* in the list of processes left to the cleaner */
};

/* Where a thread begins to run. Any address in user space is allowed, even 0: the thread faults
 * there. */
struct start_place {
    uintptr_t entry, stack;
};

/* The object of a thread of the process (user_thread.h); `thread` is what the scheduler knows. */
struct user_thread {
    struct object object;
    struct thread* thread;   /* a reference */
    struct process* process; /* a reference */
    struct list_node process_node;
    bool is_started; /* under the process's lock */
    struct start_place start;
    uint64_t argument1, argument2;
};

/* Makes a process with one reference. NO_MEMORY; BAD_STATE: the job is being killed; NO_RESOURCES:
 * the job is full. */
zx_status_t process_create(struct job* job, const char* name, struct process** out);
/* Kills all threads of the process, which then ends. A process that was never started ends too.
 * Only the first return code counts. */
void process_kill(struct process* process, int64_t return_code);
NORETURN void process_exit_current(int64_t return_code);
/* Kills every process of the job and of the jobs below it. From then on nothing can join these
 * jobs. */
void job_kill(struct job* job);

/* For user_thread.c: removes a thread that was started from its process. The last one ends the
 * process. */
void process_thread_ended(struct process* process, struct user_thread* thread);
/* For user_thread.c: takes a thread that never started out of the list of its process. Does nothing
 * if the thread has ended. */
void process_remove_thread(struct process* process, struct user_thread* thread);

/* Valid in user threads only. */
static inline struct process* process_current(void) {
    return thread_current()->process;
}
static inline struct handle_table* current_handles(void) {
    return &process_current()->handles;
}
static inline struct process* process_from(struct object* object) {
    return CONTAINER_OF(object, struct process, object);
}

/* Whether the policy allows what `condition` stands for: OK or ACCESS_DENIED. If the policy says
 * so, the process ends and the call does not return. So the caller holds no lock and no reference.
 * For VMAR_WX this only ends processes: the address space does the denying. */
#define PROCESS_RETURN_CODE_POLICY (-1025) /* return code of a process that its policy ended */
MUST_CHECK zx_status_t process_check_policy_set(const struct process* process, uint32_t condition);
MUST_CHECK static inline zx_status_t process_check_policy(uint32_t condition) {
    const struct process* process = process_current();
    return process->policy.actions == 0 ? ZX_OK : process_check_policy_set(process, condition);
}
