/* Bringing a CPU into use; for the board (arch/pc), which starts the CPUs and allocates their
 * memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <arch/cpu.h>

/* The exceptions that have a stack of their own: double fault, NMI, machine check. */
#define EXCEPTION_STACK_COUNT 3

/* Sets up the boot CPU: features, descriptors, system call entry. Its GS base is already its struct
 * cpu. */
void cpu_init_boot(void);

/* Registers another CPU under the next number; fewer than CPU_MAX are registered. The caller
 * allocates both structures; `arch` is cpu_arch_size() zeroed bytes. cpu_set_online later makes the
 * CPU online. */
void cpu_add(struct cpu* cpu, struct cpu_arch* arch, uint32_t apic_id);
size_t cpu_arch_size(void);
/* Unregisters the CPU that was registered last, because it did not start. */
void cpu_remove(struct cpu* cpu);

/* `tops` are the highest addresses of stacks with guard pages. Until this call the boot CPU uses an
 * early stack without a guard page. */
void cpu_set_exception_stacks(struct cpu* cpu, void* const tops[EXCEPTION_STACK_COUNT]);

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
/* Called on the new CPU. CPUs come online in the order of their numbers. */
void cpu_set_online(void);
