/* The panic report (lib/panic.h), and who adds to it. */
#pragma once

#include <lib/panic.h>

/* Describes the current thread and process in the panic report; registered by kernel/task. */
extern void (*panic_describe_thread)(void (*print)(const char* format, ...));
