/* Bringing a CPU into use; for the board (arch/pc), which starts the CPUs and allocates their
 * memory. */
#pragma once

#include <stdint.h>

#include <arch/cpu.h>

/* Sets up the boot CPU: features, descriptors, system call entry. Its GS base is already its struct
 * cpu. */
void cpu_init_boot(void);

/* Returns the struct cpu of the next number, made ready for another CPU; fewer than CPU_MAX are
 * online. If that CPU does not come online, the next CPU gets the number. */
struct cpu* cpu_prepare(uint32_t apic_id);

/* Double fault, NMI and machine check have a stack each. `top` is the highest address of a stack
 * with a guard page. Until this call the boot CPU uses one early stack, without a guard page, for
 * all. */
#define EXCEPTION_STACK_COUNT 3u
void cpu_set_exception_stack(struct cpu* cpu, unsigned number, void* top);

/* What a CPU loads when it has entered long mode (boot.S). The board sets it for each CPU that it
 * starts. Then it sends the CPU to a copy of the trampoline, at a page below 1 MiB. */
struct cpu_start {
    uint64_t page_tables; /* a physical address */
    void* stack_top;
    struct cpu* cpu;
    void (*entry)(void); /* never returns */
};
extern struct cpu_start cpu_start;
extern const char trampoline_start[], trampoline_end[];

/* Sets up features, descriptors and system call entry. Called on the new CPU itself, with the final
 * page tables loaded. */
void cpu_init_secondary(struct cpu* cpu);
/* Called on the new CPU. */
void cpu_set_online(void);
