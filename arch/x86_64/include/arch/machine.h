/* The machine around the CPUs: bring-up, serial line, screen, ports of the emulator. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/compiler.h>

/* What the machine tables say; filled by kernel/boot, used once by machine_init. */
struct machine_description {
    struct {
        uint32_t apic_id;
        bool is_enabled;
    } cpus[256];
    uint32_t cpu_count;
    uint64_t local_apic_address;
    struct {
        uint64_t address;
        uint32_t first_interrupt;
    } io_apics[8];
    uint32_t io_apic_count;
    struct {
        uint32_t isa_line, global_interrupt;
        bool is_active_low, is_level_triggered;
    } overrides[32];
    uint32_t override_count;
    uint64_t hpet_address; /* 0: none */
    bool has_8259;
};

/* First C code of all: serial line in polled mode, GDT, IDT, per-CPU area of the boot CPU, CPU
 * features. Nothing may fail before it. */
void machine_early_init(void);
/* Interrupt controllers, timers. After paging_init and the kernel heap. */
void machine_init(const struct machine_description* description);
/* Starts the other CPUs (at most CPU_MAX in all, `limit` if not 0); each ends in
 * secondary_cpu_main (kernel/main.c). */
void machine_start_cpus(const struct machine_description* description, uint32_t limit);

/* Serial console, COM1. Output works from machine_early_init on, in any context. One CPU sends at a
 * time: the console's lock sees to that. */
/* Sends the first few characters, as far as the line has room, and returns how many; it never
 * waits. A line feed is sent as two. Without a line all is taken. */
size_t serial_send_some(const char* text, size_t size);
/* Has on_room called once, in interrupt context, when the line has room: at once if it has. */
void serial_ask_for_room(void);
/* Waits for room with a bound. False: nobody empties the line. */
bool serial_wait_for_room(void);
/* From here on received bytes go to `receive` (interrupt context), and room can be asked for. */
void serial_enable_interrupts(void (*receive)(uint8_t byte), void (*on_room)(void));
/* For panic: no interrupts from now on. */
void serial_use_polling(void);

/* Waits for a byte; for the emergency console only. */
uint8_t serial_read_polled(void);

/* Screen: a text framebuffer (VGA text memory or linear pixels with a built-in font). */
struct screen_description {
    uint64_t address; /* physical; 0: no screen */
    uint32_t pitch, width, height, bits_per_pixel;
    uint8_t red_shift, green_shift, blue_shift;
    bool is_text;
};
void screen_init(const struct screen_description* description);
/* Text goes to memory; screen_refresh makes the screen show it. One CPU at a time does either. */
void screen_put(const char* text, size_t size);
/* Draws a few of the characters that the screen does not show yet. True: there are more. */
bool screen_refresh(void);

/* QEMU's test devices. The results port is isa-debugcon at 0xe9. */
void results_write(const char* text, size_t size);
/* Both let the console write out what waits there, first.
 * Leaves QEMU with exit code (code << 1) | 1; on a machine without the device, stops. */
NORETURN void machine_exit(uint32_t code);
NORETURN void machine_reboot(void);
/* Resets the machine through an exception that cannot be delivered. */
void machine_triple_fault(void);
