/* What the files of the board share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pc/machine.h>

/* serial.c */
void serial_init(void);

/* io_apic.c */
void io_apic_init(const struct machine_description* description);
void legacy_controller_disable(void);
/* Registers the handler of a device interrupt. It runs with interrupts off on the CPU that receives
 * the interrupt. `line` is the ISA IRQ number (0-15), before the overrides of the MADT. */
typedef void (*interrupt_handler_t)(void);
void interrupt_register(uint32_t line, interrupt_handler_t handler);

/* start_cpus.c: gives the CPU its stacks for exceptions. False: no memory. */
struct cpu;
bool exception_stacks_alloc(struct cpu* cpu);

/* timers.c: measures the time stamp counter and the APIC timer by the HPET; if hpet_address is 0,
 * by the PIT. */
void clock_calibrate(uint64_t hpet_address);
