/* The console's output in its usual way: queued by who writes, given to the devices by the cleaner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* From here on output is queued. The cleaner has been started. */
void console_output_start(void);

#define CONSOLE_OUTPUT_MAX 256u
/* Writes at most so many characters together; waits for room, which takes as long as the devices
 * need. The wait is bounded: the console gives up a line that takes nothing. False: the caller was
 * killed, and nothing is written. No lock held. */
bool console_output_write(const char* text, size_t size);
