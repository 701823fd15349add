/* The console: text out to the serial line and the screen, characters in from the serial line.
 *
 * Whole writes do not interleave (lock class LOG). Input is a ring filled by the serial interrupt;
 * the emergency console (debug/emergency_console.h) takes the line over when its key comes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/compiler.h>

void console_write(const char* text, size_t size);
void console_printf(const char* format, ...) PRINTF_LIKE(1, 2);
/* For panic: takes no lock from now on, whoever holds it. */
void console_break_lock(void);

/* From here on the serial line is driven by interrupts, and input is queued. */
void console_enable_interrupts(void);
/* `on_input` runs in interrupt context after each character queued. */
void console_set_input_listener(void (*on_input)(void));
/* Takes what is there, at most `room` characters; 0: nothing. */
size_t console_read(char* to, size_t room);
