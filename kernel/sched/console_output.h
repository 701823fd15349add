/* Buffered console output: writers queue text, and the cleaner sends it to the devices. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Makes output queued from here on. The cleaner must have been started. */
void console_output_start(void);

#define CONSOLE_OUTPUT_MAX 256u
/* Writes `size` characters (at most CONSOLE_OUTPUT_MAX) as one piece. Waits for room if the queue
 * is full. The wait is bounded: the console drops its text if a device takes nothing. False: the
 * caller was killed, and nothing is written. No lock held. */
bool console_output_write(const char* text, size_t size);
