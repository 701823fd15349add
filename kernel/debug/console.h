/* The console: text out to the serial line and the screen, characters in from the serial line.
 *
 * Whole writes do not interleave (lock class LOG). Output is queued, and drained by the cleaner
 * (sched/console_output.h); it is direct before that begins, in a panic and on the emergency
 * console. Text is lost when the queue is full, or when the line takes nothing for a second; the
 * console prints later how much was lost. Input is a ring filled by the serial interrupt; the
 * emergency console (debug/emergency_console.h) takes the line over when its key comes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/compiler.h>

/* May be called in any context; locks above LOG may be held. The functions do not wait, unless
 * output is direct. */
void console_write(const char* text, size_t size);
void console_printf(const char* format, ...) PRINTF_LIKE(1, 2);

/* For writers that can wait. Queues the whole text or nothing. The last part of the queue is kept
 * free for the kernel. */
bool console_try_write(const char* text, size_t size);
bool console_has_room(size_t size); /* without the lock: a hint */

/* From here on output is queued. `listener` is called when text was queued or the line has room
 * again, in any context, with any lock held. */
void console_begin_queueing(void (*listener)(void));
/* Sends a few queued characters to the devices. Interrupts are off for some hundred instructions,
 * or a thousand when it draws on the screen. */
enum console_progress {
    CONSOLE_IDLE,  /* the queue is empty and the screen is drawn */
    CONSOLE_WAITS, /* the line has no room; the listener is called when it has */
    CONSOLE_SENT,
    CONSOLE_DREW,
};
enum console_progress console_drain_step(void);
/* Draws on the screen only. True: there is more to draw. */
bool console_refresh_screen(void);

/* For tests: how many characters wait, and how many were lost and not yet reported. */
size_t console_queued_count(void);
size_t console_lost_count(void);

/* Writes out the queue, with interrupts off. From here on output is direct. */
void console_take_over(void);
/* Ends what console_take_over began. */
void console_give_back(void);
/* console_take_over for panic. From now on no lock is taken, because its holder may be stopped. */
void console_break_lock(void);

/* From here on the serial line is driven by interrupts, and input is queued: `on_input` is called
 * after each character. The character `key` is not queued: it calls `on_key`. Both run in interrupt
 * context. */
void console_enable_interrupts(void (*on_input)(void), uint8_t key, void (*on_key)(void));
/* Takes up to `room` characters that were typed, and returns how many. */
size_t console_read(char* to, size_t room);
