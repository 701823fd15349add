#include <arch/machine.h>

#include <arch/cpu.h>
#include <arch/turns.h>
#include <debug/console.h>

#include "cpu_internal.h"
#include "machine_internal.h"
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
    cpu_guard_exception_stacks();
    legacy_controller_disable();
    local_apic_init(description->local_apic_address);
    io_apic_init(description);
    clock_calibrate(description->hpet_address);
}

void results_write(const char* text, size_t size) {
    __asm__ volatile("rep outsb" : "+S"(text), "+c"(size) : "d"(PORT_DEBUG_CONSOLE) : "memory");
}

void machine_exit(uint32_t code) {
    turns_report();
    console_take_over();
    port_write32(PORT_DEBUG_EXIT, code);
    cpu_stop();
}

void machine_reboot(void) {
    console_take_over();
    port_write8(PORT_KEYBOARD_COMMAND, KEYBOARD_RESET_CPU);
    machine_triple_fault();
    cpu_stop();
}

void machine_triple_fault(void) {
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) empty_table = {0, 0};
    __asm__ volatile("lidt %0; int3" ::"m"(empty_table));
}
