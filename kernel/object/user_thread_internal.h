/* Between process.c and user_thread.c. */
#pragma once

#include <object/process.h>

/* Takes a thread that was started off its process; the last one ends the process. */
void process_thread_ended(struct process* process, struct user_thread* thread);
