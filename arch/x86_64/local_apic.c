/* The local APIC through its memory window. Each CPU sees its own APIC at the same address. */
#include <arch/local_apic.h>

#include <arch/cpu.h>

#include "cpu_internal.h"
#include "registers.h"

#define APIC_GLOBAL_ENABLE (1u << 11)

#define REGISTER_ID 0x20
#define REGISTER_TASK_PRIORITY 0x80
#define REGISTER_END_OF_INTERRUPT 0xb0
#define REGISTER_SPURIOUS 0xf0
#define REGISTER_COMMAND_LOW 0x300
#define REGISTER_COMMAND_HIGH 0x310
#define REGISTER_TIMER 0x320
#define REGISTER_LINT0 0x350
#define REGISTER_LINT1 0x360
#define REGISTER_ERROR 0x370
#define REGISTER_TIMER_INITIAL 0x380
#define REGISTER_TIMER_CURRENT 0x390
#define REGISTER_TIMER_DIVIDE 0x3e0

#define ENTRY_MASKED (1u << 16)
#define SPURIOUS_APIC_ON (1u << 8)
#define COMMAND_PENDING (1u << 12)
#define DIVIDE_BY_1 0xb

static volatile uint32_t* window;

static uint32_t apic_read(unsigned reg) {
    return window[reg / sizeof(uint32_t)];
}

static void apic_write(unsigned reg, uint32_t value) {
    window[reg / sizeof(uint32_t)] = value;
}

void local_apic_init(volatile void* mapped_window) {
    window = mapped_window;
    local_apic_init_cpu();
    this_cpu()->apic_id = apic_read(REGISTER_ID) >> 24;
}

void local_apic_init_cpu(void) {
    msr_write(MSR_APIC_BASE, msr_read(MSR_APIC_BASE) | APIC_GLOBAL_ENABLE);
    apic_write(REGISTER_TASK_PRIORITY, 0);
    apic_write(REGISTER_LINT0, ENTRY_MASKED);
    apic_write(REGISTER_LINT1, cpu_number() == 0 ? APIC_DELIVER_NMI : ENTRY_MASKED);
    apic_write(REGISTER_ERROR, ENTRY_MASKED);
    apic_write(REGISTER_TIMER_DIVIDE, DIVIDE_BY_1);
    apic_write(REGISTER_TIMER, VECTOR_TIMER);
    apic_write(REGISTER_SPURIOUS, SPURIOUS_APIC_ON | VECTOR_SPURIOUS);
}

void local_apic_end_of_interrupt(void) {
    apic_write(REGISTER_END_OF_INTERRUPT, 0);
}

void local_apic_send(uint32_t apic_id, uint32_t command) {
    interrupt_state_t state = interrupts_save_and_disable();
    while (apic_read(REGISTER_COMMAND_LOW) & COMMAND_PENDING)
        cpu_relax();
    apic_write(REGISTER_COMMAND_HIGH, apic_id << 24);
    apic_write(REGISTER_COMMAND_LOW, command);
    interrupts_restore(state);
}

void local_apic_timer_start(uint32_t count) {
    apic_write(REGISTER_TIMER_INITIAL, count);
}

uint32_t local_apic_timer_remaining(void) {
    return apic_read(REGISTER_TIMER_CURRENT);
}
