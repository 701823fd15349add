/* The kernel's log: a ring of lines with level, time and CPU, copied to the console's queue as they
 * come. Any context, any lock held. */
#pragma once

#include <stddef.h>

#include <lib/compiler.h>

enum log_level {
    LOG_ERROR,
    LOG_WARNING,
    LOG_INFO,
    LOG_DEBUG,
};

void log_write(enum log_level level, const char* format, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* Lines above this level stay in the ring and off the consoles (command line: jacinth.log=). */
void log_set_console_level(enum log_level level);
/* Calls `line` for the newest `count` lines, oldest first. */
void log_replay(size_t count, void (*line)(const char* text, size_t size));
