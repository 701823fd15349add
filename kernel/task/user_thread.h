/* User threads: the threads of a process, as objects.
 *
 * Rules for user threads:
 * - A user thread holds a reference to its process and one to the scheduler's thread.
 * - The process only lists its threads.
 * - A thread that was started holds a reference to its own object until it ends.
 * - A thread is started once. A kill marks it as started, so that it can never be started later.
 * - TERMINATED is shown when the thread has ended, or was killed before its start. */
#pragma once

#include <object/object.h>
#include <sched/thread.h>
#include <task/process.h>

/* Makes a thread with one reference. NO_MEMORY; BAD_STATE: the process is ending; NO_RESOURCES: it
 * has too many threads. */
zx_status_t user_thread_create(struct process* process, const char* name, struct user_thread** out);
/* Starts the thread. BAD_STATE: it was started before, or the process does not run. INVALID_ARGS:
 * `start` is not in user space. */
zx_status_t user_thread_start(struct user_thread* thread, const struct start_place* start,
                              uint64_t argument1, uint64_t argument2);
void user_thread_kill(struct user_thread* thread);

/* Starting a process with its first thread takes two steps. The first step can fail. It may run
 * under the lock of the handle table that the argument leaves. `state` is the state that the
 * process must be in: PROCESS_INITIAL. Errors in this order: BAD_STATE: it is not, or the thread
 * was started before. INVALID_ARGS: `start` is not in user space. */
MUST_CHECK zx_status_t user_thread_claim(struct user_thread* thread,
                                         const struct start_place* start, enum process_state state);
/* The second step adds `argument` to the process's table and runs the thread, which gets its value
 * as first argument. If the process or the thread was killed meanwhile, the thread ends at once.
 * False: the table has no room, and the caller keeps the argument.
 *
 * Preemption is off between the two steps. The end of the process waits for the thread, which must
 * not depend on its creator being scheduled. */
MUST_CHECK bool user_thread_run_with_handle(struct user_thread* thread, struct handle argument,
                                            uint64_t argument2);

static inline struct user_thread* user_thread_from(struct object* object) {
    return CONTAINER_OF(object, struct user_thread, object);
}
