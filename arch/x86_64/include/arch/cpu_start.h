/* How a CPU comes into use; for the board (arch/pc), which starts the CPUs and has their memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <arch/cpu.h>

/* The exceptions that come on a stack of their own: double fault, NMI, machine check. */
#define EXCEPTION_STACK_COUNT 3

/* The boot CPU: features, descriptors, system call entry. Its GS base is its struct cpu already. */
void cpu_init_boot(void);

/* Registers one CPU more under the next number; there are fewer than CPU_MAX. The caller gives the
 * memory: `arch` is cpu_arch_size() zeroed bytes. The CPU is online from cpu_set_online on. */
void cpu_add(struct cpu* cpu, struct cpu_arch* arch, uint32_t apic_id);
size_t cpu_arch_size(void);
/* Takes the last CPU out that was added, because it cannot be used. */
void cpu_remove(struct cpu* cpu);

/* `tops` are the highest addresses of stacks with guard pages. The boot CPU begins without. */
void cpu_set_exception_stacks(struct cpu* cpu, void* const tops[EXCEPTION_STACK_COUNT]);

/* On the new CPU itself, with the final page tables loaded and any GS: features, descriptors,
 * system call entry. */
void cpu_init_secondary(struct cpu* cpu);
void cpu_set_online(struct cpu* cpu);
