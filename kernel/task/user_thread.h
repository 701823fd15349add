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
bool start_place_is_valid(const struct start_place* start);
void user_thread_kill(struct user_thread* thread);

/* Valid in user threads only. */
static inline struct user_thread* user_thread_current(void) {
    return thread_current()->owner;
}
static inline struct user_thread* user_thread_from(struct object* object) {
    return CONTAINER_OF(object, struct user_thread, object);
}

/* For process_start.c: a start takes two steps. The first, under the process's lock, counts the
 * thread as running; the second runs it. */
void user_thread_claim_locked(struct user_thread* thread, const struct start_place* start);
void user_thread_run(struct user_thread* thread, uint64_t argument1, uint64_t argument2);
