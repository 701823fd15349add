/* What other rooms add to the panic report (lib/panic.h). */
#pragma once

#include <lib/panic.h>

/* Prints the current thread and process for the panic report. kernel/task defines it. */
void panic_describe_thread(void);
