/* The board's bring-up, the ports of the emulator, and ways to end the machine. */
#include <pc/machine.h>

#include <arch/cpu_start.h>
#include <arch/local_apic.h>
#include <arch/turns.h>
#include <debug/board.h>
#include <debug/console.h>
#include <debug/panic.h>
#include <mm/device_map.h>

#include "pc_internal.h"
#include "port.h"

#define PORT_DEBUG_EXIT 0xf4
#define PORT_DEBUG_CONSOLE 0xe9
#define PORT_KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET_CPU 0xfe

void machine_early_init(void) {
    serial_init();
    cpu_init_boot();
}

void machine_init(const struct machine_description* description) {
    if (!exception_stacks_alloc(this_cpu()))
        boot_fail("not enough memory for the exception stacks");
    legacy_controller_disable();
    volatile void* window =
        device_map(physical_address(description->local_apic_address), LOCAL_APIC_WINDOW_SIZE);
    if (!window)
        boot_fail("not enough memory to map the interrupt controller");
    local_apic_init(window);
    io_apic_init(description);
    clock_calibrate(description->hpet_address);
}

void results_write(const char* text, size_t size) {
    __asm__ volatile("rep outsb" : "+S"(text), "+c"(size) : "d"(PORT_DEBUG_CONSOLE) : "memory");
}

void machine_exit(uint32_t code) {
    turns_report(console_printf);
    console_take_over();
    port_write8(PORT_DEBUG_EXIT, (uint8_t)code);
    cpu_stop();
}

void machine_reboot(void) {
    console_take_over();
    port_write8(PORT_KEYBOARD_COMMAND, KEYBOARD_RESET_CPU);
    cpu_triple_fault();
    cpu_stop();
}
