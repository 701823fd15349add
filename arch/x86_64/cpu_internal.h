/* What the files of arch share about a CPU. No other directory includes this. */
#pragma once

#include <arch/cpu_start.h>
#include <arch/interrupt.h>

/* descriptors.c */
void descriptors_init_cpu(struct cpu* cpu);
void interrupt_table_init(void);
/* fpu.c */
void fpu_init_boot(void);
void fpu_init_cpu(void);
/* user_copy.c */
/* Sorts the fault table. Call it while the boot page tables are in use: the table is writable only
 * then. */
void user_copy_init(void);
/* Returns where execution continues after a fault of the instruction at `rip`; 0: it may not fault.
 */
uintptr_t user_copy_fixup(uintptr_t rip);
/* syscall_entry.S */
void syscall_entry(void);

/* local_apic.c */
void local_apic_end_of_interrupt(void);

/* interrupt.c */
/* Returns whether cpu_stop_others was called; an NMI then means that the CPU must stop. */
bool cpu_is_stopping(void);
/* Handles vectors 32 and up. Interrupts off. */
void interrupt_dispatch(struct exception_frame* frame);

static inline uint64_t msr_read(uint32_t msr) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}
static inline void msr_write(uint32_t msr, uint64_t value) {
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}
static inline uint64_t cr2_read(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
static inline uint64_t cr3_read(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
static inline void cr3_write(uint64_t value) {
    __asm__ volatile("mov %0, %%cr3" ::"r"(value) : "memory");
}
static inline uint64_t cr4_read(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
static inline void cr4_write(uint64_t value) {
    __asm__ volatile("mov %0, %%cr4" ::"r"(value) : "memory");
}
static inline uint64_t timestamp_read(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* The finaliser of splitmix64. */
static inline uint64_t mix(uint64_t value) {
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid_result cpuid(uint32_t leaf, uint32_t subleaf) {
    struct cpuid_result r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}
