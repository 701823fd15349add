/* Device interrupts. The I/O APICs route the lines to the boot CPU; the two old 8259 controllers
 * are masked. */
#include <arch/cpu.h>
#include <arch/local_apic.h>
#include <arch/upcalls.h>
#include <debug/log.h>
#include <debug/panic.h>
#include <lib/compiler.h>
#include <mm/device_map.h>

#include "pc_internal.h"
#include "port.h"

#define WINDOW_SIZE 4096
#define WINDOW_SELECT 0x00
#define WINDOW_DATA 0x10

#define REGISTER_VERSION 0x01
#define REGISTER_REDIRECTION 0x10 /* two words for each line */

#define REDIRECTION_ACTIVE_LOW (1u << 13)
#define REDIRECTION_LEVEL (1u << 15)
#define REDIRECTION_MASKED (1u << 16)

static struct {
    volatile uint32_t* window;
    uint32_t first_interrupt, line_count;
} io_apics[8];
static uint32_t io_apic_count;
static const struct machine_description* machine;

static interrupt_handler_t handlers[VECTOR_DEVICE_COUNT];

static uint32_t io_apic_read(volatile uint32_t* window, uint32_t reg) {
    window[WINDOW_SELECT / 4] = reg;
    return window[WINDOW_DATA / 4];
}

static void io_apic_write(volatile uint32_t* window, uint32_t reg, uint32_t value) {
    window[WINDOW_SELECT / 4] = reg;
    window[WINDOW_DATA / 4] = value;
}

void io_apic_init(const struct machine_description* description) {
    machine = description;
    for (uint32_t i = 0; i < description->io_apic_count; i++) {
        volatile uint32_t* window =
            device_map(physical_address(description->io_apics[i].address), WINDOW_SIZE);
        if (!window)
            continue;
        uint32_t lines = (io_apic_read(window, REGISTER_VERSION) >> 16 & 0xff) + 1;
        for (uint32_t line = 0; line < lines; line++)
            io_apic_write(window, REGISTER_REDIRECTION + 2 * line, REDIRECTION_MASKED);
        io_apics[io_apic_count].window = window;
        io_apics[io_apic_count].first_interrupt = description->io_apics[i].first_interrupt;
        io_apics[io_apic_count].line_count = lines;
        io_apic_count++;
    }
}

/* Routes an ISA line to `vector` on the boot CPU. */
static void route(uint32_t isa_line, uint8_t vector) {
    uint32_t interrupt = machine->isa_lines[isa_line].global_interrupt;
    uint32_t flags = (machine->isa_lines[isa_line].is_active_low ? REDIRECTION_ACTIVE_LOW : 0) |
                     (machine->isa_lines[isa_line].is_level_triggered ? REDIRECTION_LEVEL : 0);
    for (uint32_t i = 0; i < io_apic_count; i++) {
        uint32_t line = interrupt - io_apics[i].first_interrupt;
        if (line >= io_apics[i].line_count)
            continue;
        uint32_t reg = REGISTER_REDIRECTION + 2 * line;
        io_apic_write(io_apics[i].window, reg + 1, cpu_by_number(0)->apic_id << 24);
        io_apic_write(io_apics[i].window, reg, vector | flags);
        return;
    }
    log_warning("no interrupt controller has line %u", isa_line);
}

void interrupt_register(uint32_t line, interrupt_handler_t handler) {
    ASSERT(line < VECTOR_DEVICE_COUNT);
    handlers[line] = handler;
    route(line, (uint8_t)(VECTOR_DEVICE_FIRST + line));
}

void device_interrupt(uint32_t line) {
    if (handlers[line])
        handlers[line]();
}

/* The controllers are first moved to vectors away from the exceptions, and then masked. A masked
 * controller can still raise a spurious interrupt. */
void legacy_controller_disable(void) {
    static const struct {
        uint16_t command, data;
        uint8_t cascade;
    } controllers[] = {{0x20, 0x21, 4}, {0xa0, 0xa1, 2}};
    for (size_t i = 0; i < ARRAY_LENGTH(controllers); i++) {
        port_write8(controllers[i].command, 0x11);
        port_write8(controllers[i].data, VECTOR_SPURIOUS & 0xf8);
        port_write8(controllers[i].data, controllers[i].cascade);
        port_write8(controllers[i].data, 1);
        port_write8(controllers[i].data, 0xff);
    }
}
