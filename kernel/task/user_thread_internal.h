/* Between process.c and user_thread.c. */
#pragma once

#include <task/process.h>

/* A start in two steps. The first, under the process's lock: the thread counts as one that runs. */
void user_thread_claim_locked(struct user_thread* thread, const struct start_place* start);
void user_thread_run(struct user_thread* thread, uint64_t argument1, uint64_t argument2);
/* Takes a thread that was started off its process; the last one ends the process. */
void process_thread_ended(struct process* process, struct user_thread* thread);
