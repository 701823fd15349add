/* What the console, the panic and the tests need of the machine: the serial line, the screen, and
 * the way out. Declared here, so that this room knows nothing above it; defined in arch/pc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/compiler.h>

/* Serial line, COM1. Output works from machine_early_init on, in any context. The console's lock
 * lets only one CPU send at a time. */
/* Sends the first few characters, as many as the line has room for. Returns their number; never
 * waits. A line feed is sent as two characters. Without a line it returns `size`. */
size_t serial_send_some(const char* text, size_t size);
/* on_room is called once, in interrupt context, as soon as the line has room. */
void serial_ask_for_room(void);
/* Waits for room, for a bounded time. False: the line takes nothing. */
bool serial_wait_for_room(void);
/* From here on received bytes go to `receive`, in interrupt context, and serial_ask_for_room may be
 * called. */
void serial_enable_interrupts(void (*receive)(uint8_t byte), void (*on_room)(void));
/* For panic: the line raises no interrupts from now on. */
void serial_use_polling(void);
/* Waits for a byte; for the emergency console only. */
uint8_t serial_read_polled(void);

/* Puts text into memory; screen_refresh draws it. Only one CPU at a time may call one of the
 * two. */
void screen_put(const char* text, size_t size);
/* Draws a few of the characters that the screen does not show yet. True: there are more. */
bool screen_refresh(void);

/* QEMU's test device for results, isa-debugcon at 0xe9. */
void results_write(const char* text, size_t size);
/* Both first write out what is queued at the console.
 * Leaves QEMU with exit code (code << 1) | 1; on a machine without the device, stops. */
NORETURN void machine_exit(uint32_t code);
NORETURN void machine_reboot(void);
