/* What process.c and user_thread.c share. */
#pragma once

#include <task/process.h>

/* A start takes two steps. The first, under the process's lock, counts the thread as running; the
 * second runs it. */
void user_thread_claim_locked(struct user_thread* thread, const struct start_place* start);
void user_thread_run(struct user_thread* thread, uint64_t argument1, uint64_t argument2);
/* Removes a thread that was started from its process. The last one ends the process. */
void process_thread_ended(struct process* process, struct user_thread* thread);
