/* Starting a process: this stands above both processes and their threads. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/compiler.h>
#include <object/handle_table.h>

struct process;
struct start_place;
struct user_thread;

/* Starting a process with its first thread takes two steps. The first step can fail. It may run
 * under the lock of the handle table that the argument leaves. Errors in this order: ACCESS_DENIED:
 * the thread is not of this process. BAD_STATE: one of the two was started before, or has ended.
 * INVALID_ARGS: `start` is not in user space. */
MUST_CHECK zx_status_t process_start_begin(struct process* process, struct user_thread* thread,
                                           const struct start_place* start);
/* The second step adds `argument` to the process's table and runs the thread, which gets its value
 * as first argument. If the process or the thread was killed meanwhile, the thread ends at once.
 * False: the table has no room, and the caller keeps the argument.
 *
 * Preemption is off between the two steps. The end of the process waits for the thread, which must
 * not depend on its creator being scheduled. */
MUST_CHECK bool process_start_finish(struct process* process, struct user_thread* thread,
                                     struct handle argument, uint64_t argument2);
