/* Segments, task state and the interrupt table. */
#include <arch/cpu_start.h>

#include "cpu_internal.h"

#include "registers.h"

#define DESCRIPTOR_KERNEL_CODE 0x00af9a000000ffff
#define DESCRIPTOR_KERNEL_DATA 0x00cf92000000ffff
#define DESCRIPTOR_USER_DATA 0x00cff2000000ffff
#define DESCRIPTOR_USER_CODE 0x00affa000000ffff
#define DESCRIPTOR_TSS_AVAILABLE 0x0000890000000000

#define GATE_INTERRUPT 0x8e /* present, ring 0, interrupts off on entry */
#define GATE_INTERRUPT_USER 0xee

#define VECTOR_BREAKPOINT 3
#define VECTOR_COUNT 256

struct gate {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct descriptor_pointer {
    uint16_t limit;
    const void* base;
} __attribute__((packed));

/* exceptions.S: one small entry for each vector, 16 bytes apart. */
extern const char exception_entries[];
#define EXCEPTION_ENTRY_SIZE 16

static struct gate interrupt_table[VECTOR_COUNT];

/* Which of the task state's stacks, from 1 on; 0: stay on the thread's stack. */
static const uint8_t gate_stacks[VECTOR_COUNT] = {
    [VECTOR_DOUBLE_FAULT] = 1,
    [VECTOR_NMI] = 2,
    [VECTOR_MACHINE_CHECK] = EXCEPTION_STACK_COUNT,
};

void interrupt_table_init(void) {
    for (unsigned vector = 0; vector < VECTOR_COUNT; vector++) {
        uint64_t entry = (uint64_t)exception_entries + vector * EXCEPTION_ENTRY_SIZE;
        interrupt_table[vector] = (struct gate){
            .offset_low = (uint16_t)entry,
            .selector = SELECTOR_KERNEL_CODE,
            .stack = gate_stacks[vector],
            .type = vector == VECTOR_BREAKPOINT ? GATE_INTERRUPT_USER : GATE_INTERRUPT,
            .offset_middle = (uint16_t)(entry >> 16),
            .offset_high = (uint32_t)(entry >> 32),
        };
    }
}

void descriptors_init_cpu(struct cpu* cpu) {
    uint64_t base = (uint64_t)&cpu->task_state;
    uint64_t* gdt = cpu->gdt;
    gdt[SELECTOR_KERNEL_CODE / 8] = DESCRIPTOR_KERNEL_CODE;
    gdt[SELECTOR_KERNEL_DATA / 8] = DESCRIPTOR_KERNEL_DATA;
    gdt[SELECTOR_USER_DATA / 8] = DESCRIPTOR_USER_DATA;
    gdt[SELECTOR_USER_CODE / 8] = DESCRIPTOR_USER_CODE;
    gdt[SELECTOR_TSS / 8] = DESCRIPTOR_TSS_AVAILABLE | (sizeof(struct task_state) - 1) |
                            (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
    gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
    cpu->task_state.io_map_base = sizeof(struct task_state); /* no port is open to user mode */

    struct descriptor_pointer gdt_pointer = {sizeof(cpu->gdt) - 1, gdt};
    struct descriptor_pointer idt_pointer = {sizeof(interrupt_table) - 1, interrupt_table};
    __asm__ volatile("lgdt %0\n"
                     "pushq %1\n"
                     "leaq 1f(%%rip), %%rax\n"
                     "pushq %%rax\n"
                     "lretq\n"
                     "1: mov %2, %%ss\n"
                     "mov %3, %%ds\n"
                     "mov %3, %%es\n" ::"m"(gdt_pointer),
                     "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA), "r"(0)
                     : "rax", "memory");
    __asm__ volatile("ltr %0" ::"r"((uint16_t)SELECTOR_TSS));
    __asm__ volatile("lidt %0" ::"m"(idt_pointer));
}
